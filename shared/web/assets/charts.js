// The ticker's chart: its numbers are in the page, the tables below say the same.
"use strict";
(() => {
  const place = document.querySelector("[data-chart]");
  const content = document.getElementById("chart-data");
  if (!place || !content || !window.LightweightCharts) return;
  const { createChart, createSeriesMarkers, CrosshairMode, LineSeries } = window.LightweightCharts;
  const data = JSON.parse(content.textContent);
  // What a colour is in the theme that is shown: the sheet says both.
  const colour = (name) => {
    const probe = document.createElement("i");
    probe.className = "unseen";
    probe.style.color = `var(${name})`;
    place.after(probe);
    const shown = getComputedStyle(probe).color;
    probe.remove();
    return shown;
  };
  const clear = (shown, alpha) => shown.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);

  // A band between two ends, for each session of the forecast.
  class Band {
    constructor() { this.points = null; this.fill = "transparent"; }
    renderer() {
      return {
        draw: (target, priceToCoordinate) => target.useBitmapCoordinateSpace((scope) => {
          const seen = this.points && this.points.visibleRange;
          if (!seen) return;
          const at = (bar, end) => [bar.x * scope.horizontalPixelRatio, priceToCoordinate(bar.originalData[end]) * scope.verticalPixelRatio];
          const bars = this.points.bars.slice(seen.from, seen.to);
          if (bars.length < 2) return;
          const context = scope.context;
          context.beginPath();
          bars.forEach((bar, i) => context[i ? "lineTo" : "moveTo"](...at(bar, "upper")));
          bars.reverse().forEach((bar) => context.lineTo(...at(bar, "lower")));
          context.closePath();
          context.fillStyle = this.fill;
          context.fill();
        }),
      };
    }
    priceValueBuilder(point) { return [point.lower, point.upper]; }
    isWhitespace(point) { return point.upper === undefined; }
    update(points, options) { this.points = points; this.fill = options.fill; }
    defaultOptions() { return { fill: "transparent" }; }
  }

  const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: Math.max(6, Math.ceil(Math.log10(Math.abs(value) + 1)) + 2), useGrouping: false });
  const cursor = document.getElementById("cursor");
  const closes = new Map(data.prices.map(([time, value]) => [time, value]));
  const made = new Map(data.past.map((past) => [past.time, past]));
  const steps = new Map(data.steps.map((step) => [step.date, step]));
  const when = (time) => (typeof time === "number" ? new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ") : time);

  /** What stands under the cursor, in words. */
  const say = (time) => {
    const said = [];
    if (closes.has(time)) said.push(number(closes.get(time)));
    const past = made.get(time);
    if (past) said.push(`${data.level} % interval ${number(past.lower)} \u2013 ${number(past.upper)}${past.missed ? ", missed" : ""}`);
    const step = steps.get(time);
    if (step) said.push(`forecast ${number(step.mean)}`, ...step.intervals.map((i) => `${i.level} % ${number(i.lower)} \u2013 ${number(i.upper)}`));
    cursor.textContent = said.length ? `${when(time)}: ${said.join("; ")}` : "";
  };

  let chart = null;
  // The fan is worth a quarter of the width.
  let sessions = Math.min(data.prices.length, Math.max(20, 3 * data.steps.length));
  const show = () => chart.timeScale().setVisibleLogicalRange({
    from: data.prices.length - Math.min(sessions, data.prices.length) - 0.5, to: data.prices.length + data.steps.length + 0.5,
  });
  const draw = () => {
    if (chart) chart.remove();
    place.replaceChildren();
    chart = createChart(place, {
      autoSize: true,
      layout: { background: { color: colour("--raised") }, textColor: colour("--muted"), attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--rule") } },
      rightPriceScale: { borderColor: colour("--rule"), scaleMargins: { top: 0.06, bottom: 0.06 } },
      timeScale: { borderColor: colour("--rule"), rightOffset: 0, fixLeftEdge: true, fixRightEdge: true },
      crosshair: { mode: CrosshairMode.Normal },
      // The wheel and a finger scroll the page; the buttons and dragging move the chart.
      handleScroll: { mouseWheel: false, vertTouchDrag: false }, handleScale: { mouseWheel: false },
    });
    const quiet = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false };
    const link = colour("--link"), other = colour("--other");
    if (data.past.length) {
      const band = chart.addCustomSeries(new Band(), { ...quiet, fill: clear(other, 0.16) });
      band.setData(data.past.map(({ time, lower, upper }) => ({ time, lower, upper })));
    }
    const levels = data.steps.length ? data.steps[0].intervals.length : 0;
    for (let level = levels - 1; level >= 0; level--) {
      const band = chart.addCustomSeries(new Band(), { ...quiet, fill: clear(link, level ? 0.16 : 0.3) });
      band.setData([{ time: data.origin, lower: data.price, upper: data.price }].concat(
        data.steps.map((step) => ({ time: step.date, lower: step.intervals[level].lower, upper: step.intervals[level].upper }))));
    }
    const prices = chart.addSeries(LineSeries, { ...quiet, color: colour("--text"), lineWidth: 2 });
    prices.setData(data.prices.map(([time, value]) => ({ time, value })));
    createSeriesMarkers(prices, data.past.filter((past) => past.missed).map(({ time }) => ({ time, position: "inBar", shape: "circle", size: 0.6, color: colour("--bad") })));
    const forecast = chart.addSeries(LineSeries, { ...quiet, color: link, lineWidth: 2 });
    forecast.setData([{ time: data.origin, value: data.price }].concat(data.steps.map((step) => ({ time: step.date, value: step.mean }))));
    chart.subscribeCrosshairMove((event) => { if (event.time !== undefined) say(event.time); });
    show();
  };
  draw();
  document.addEventListener("themechange", draw);

  const ranges = document.querySelector(".charting .ranges");
  ranges.hidden = false;
  const buttons = [...ranges.querySelectorAll("button")];
  buttons.forEach((button) => button.addEventListener("click", () => {
    sessions = Number(button.dataset.sessions);
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
    show();
  }));
  buttons[0].setAttribute("aria-pressed", "true");
})();
