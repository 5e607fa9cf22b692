// On every page: the theme that was chosen, "/" for the search, and tables that follow what is typed. Everything is there without it.
"use strict";
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  // Pictures come in both themes; which one is shown follows the switch.
  const pictures = () => document.querySelectorAll("picture source").forEach((source) => {
    if (root.dataset.theme) source.media = isDark() ? "all" : "not all";
  });

  const follow = (form, place) => {
    const input = form.querySelector("input[type=search]");
    let wait = null, latest = 0;
    const load = async () => {
      const query = new URLSearchParams(location.search);
      query.delete("page");
      input.value ? query.set("q", input.value) : query.delete("q");
      const url = `${location.pathname}?${query}`;
      const mine = ++latest;
      const answer = await fetch(url, { headers: { accept: "text/html" } });
      if (!answer.ok || mine !== latest) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById(place.id);
      if (found) place.replaceChildren(...found.childNodes);
      history.replaceState(null, "", url);
    };
    input.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(load, 120); });
  };

  document.addEventListener("DOMContentLoaded", () => {
    pictures();
    const button = document.querySelector("button.theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* It holds for this page. */ }
      pictures();
      document.dispatchEvent(new Event("themechange"));
    });
    system.addEventListener("change", () => document.dispatchEvent(new Event("themechange")));

    const search = document.getElementById("search");
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.target.isContentEditable;
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        search.focus();
        search.select();
      } else if (event.key === "Escape" && event.target === search) {
        search.blur();
      }
    });
    const place = document.querySelector("[data-follows-search]");
    if (place) follow(search.form, place);

    // A page of what is under way comes again until it is done; who is typing or reading with the keyboard is not disturbed.
    const open = document.querySelector("[data-under-way]");
    if (open) {
      const again = async () => {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
        if (answer && answer.ok && !open.contains(document.activeElement)) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const found = page.querySelector("[data-under-way]");
          if (!found) { location.reload(); return; }
          open.replaceChildren(...found.childNodes);
        }
        setTimeout(again, 2000);
      };
      setTimeout(again, 2000);
    }
  });
})();
