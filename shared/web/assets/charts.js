// The ticker's chart: its numbers are in the page, the tables below say the same.
"use strict";
(() => {
  const place = document.querySelector("[data-chart]");
  const told = document.getElementById("chart-data");
  if (!place || !told || !window.LightweightCharts) return;
  const { createChart, LineSeries, LineStyle } = window.LightweightCharts;
  const data = JSON.parse(told.textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

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

  let chart = null;
  const draw = () => {
    if (chart) chart.remove();
    place.replaceChildren();
    const style = () => ({
      layout: { background: { color: colour("--raised") }, textColor: colour("--muted"), attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--rule") } },
      rightPriceScale: { borderColor: colour("--rule") },
      timeScale: { borderColor: colour("--rule"), rightOffset: 2 },
    });
    chart = createChart(place, { autoSize: true, ...style() });
    const quiet = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false };
    const origin = { time: data.origin, value: data.price };
    const levels = data.steps.length ? data.steps[0].intervals.length : 0;
    for (let level = levels - 1; level >= 0; level--) {
      const fill = dark.matches ? ["rgba(125,177,255,.30)", "rgba(125,177,255,.18)"] : ["rgba(11,87,208,.26)", "rgba(11,87,208,.12)"];
      const band = chart.addCustomSeries(new Band(), { ...quiet, fill: fill[Math.min(level, 1)] });
      band.setData([{ time: data.origin, lower: data.price, upper: data.price }].concat(
        data.steps.map((step) => ({ time: step.date, lower: step.intervals[level].lower, upper: step.intervals[level].upper }))));
    }
    const past = chart.addSeries(LineSeries, { ...quiet, color: colour("--other"), lineWidth: 1, lineStyle: LineStyle.Dotted });
    past.setData(data.past.map(([time, value]) => ({ time, value })));
    const prices = chart.addSeries(LineSeries, { ...quiet, color: colour("--text"), lineWidth: 2, lastValueVisible: true });
    prices.setData(data.prices.map(([time, value]) => ({ time, value })));
    const forecast = chart.addSeries(LineSeries, { ...quiet, color: colour("--link"), lineWidth: 2 });
    forecast.setData([origin].concat(data.steps.map((step) => ({ time: step.date, value: step.mean }))));
    const shown = Math.min(data.prices.length, 90);
    chart.timeScale().setVisibleLogicalRange({ from: data.prices.length - shown, to: data.prices.length + data.steps.length + 1 });
  };
  draw();
  dark.addEventListener("change", draw);
})();
