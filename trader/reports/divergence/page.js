"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  // By default plotly shows a button that sends the chart's data to its makers' server: no trade leaves this page.
  const options = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const axis = (extra) => ({ gridcolor: color("line"), linecolor: color("line"), zerolinecolor: color("soft"),
    automargin: true, ...extra });
  const layout = (extra) => ({
    paper_bgcolor: color("page"), plot_bgcolor: color("page"),
    font: { color: color("ink"), family: "system-ui, sans-serif", size: 12 },
    margin: { l: 64, r: 16, t: 24, b: 64 }, hovermode: "closest",
    legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" }, ...extra });
  const there = (id) => document.getElementById(id) !== null;

  function drawCosts() {
    const shades = ["#2e6f9e", "#b07d1a", "#c2493d", "#1f8a70", "#7a5ea8", "#5b8c3a", "#a8577e", "#3f8fa3", "#8a6d4b"];
    const traces = data.costs.map((curve, place) => ({ type: "scatter", mode: "lines", name: curve.name, x: curve.time,
      y: curve.cost, line: place ? { width: 1.4, shape: "hv", color: shades[(place - 1) % shades.length] }
        : { width: 2.4, shape: "hv", color: color("ink") },
      hovertemplate: `%{y:+,.4f} ${data.quote}<br>%{x}<extra>${curve.name}</extra>` }));
    Plotly.react("costs", traces, layout({ xaxis: axis({ type: "date", hoverformat: "%H:%M:%S" }),
      yaxis: axis({ title: { text: `worse by, ${data.quote}`, standoff: 12 } }) }), options);
  }

  function drawPrices() {
    const bars = (name, values, shade) => ({ type: "histogram", name, x: values, marker: { color: shade }, opacity: 0.75,
      bingroup: "prices", nbinsx: 60, hovertemplate: "%{x}: %{y}<extra>" + name + "</extra>" });
    Plotly.react("prices", [bars("entries", data.prices.entries, color("accent")), bars("exits", data.prices.exits, color("hold"))],
      layout({ barmode: "overlay", xaxis: axis({ title: { text: "0.01 % of the price" } }),
        yaxis: axis({ title: { text: "trades", standoff: 12 } }) }), options);
  }

  function drawDelays() {
    const rows = data.delays;
    Plotly.react("delays", [{ type: "scatter", mode: "markers", x: rows.map((row) => row[0]), y: rows.map((row) => row[1]),
      text: rows.map((row) => row[2]), marker: { size: 8, color: color("accent") },
      hovertemplate: "%{text}<br>%{x:.3f} s after the decision<br>%{y:+.2f} × 0.01 % worse<extra></extra>" }],
      layout({ showlegend: false, xaxis: axis({ title: { text: "seconds from decision to fill, on the market's clock" }, rangemode: "tozero" }),
        yaxis: axis({ title: { text: "price worse by, 0.01 %", standoff: 12 } }) }), options);
  }

  const all = () => {
    if (there("costs")) { drawCosts(); drawPrices(); drawDelays(); }
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  all();
})();
