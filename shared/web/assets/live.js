// The page of the stream follows what arrives.
"use strict";
const live = document.getElementById("live");
if (live && "EventSource" in window) {
  new EventSource(live.dataset.live).onmessage = (event) => {
    const focused = document.activeElement && live.contains(document.activeElement);
    // Who reads a link with the keyboard is not thrown off it.
    if (!focused) live.innerHTML = event.data;
  };
}
