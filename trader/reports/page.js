"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  // By default plotly shows a button that sends the chart's data to its makers' server: no trade leaves this page.
  const options = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };

  const axis = (extra) => ({ gridcolor: color("line"), linecolor: color("line"), zerolinecolor: color("line"),
    automargin: true, ...extra });
  const layout = (extra) => ({
    paper_bgcolor: color("page"), plot_bgcolor: color("page"),
    font: { color: color("ink"), family: "system-ui, sans-serif", size: 12 },
    margin: { l: 64, r: 16, t: 36, b: 64 }, hovermode: "closest", dragmode: "zoom",
    legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" }, ...extra });
  const times = (extra) => axis({ type: "date", hoverformat: "%Y-%m-%d %H:%M:%S", ...extra });

  function drawEquity() {
    const line = (name, source, values, style) => ({ type: "scatter", mode: "lines", name, x: source.time, y: values,
      line: { width: 1.5, ...style }, hovertemplate: `%{y:,.2f} ${data.quote}<br>%{x}<extra>${name}</extra>` });
    const traces = [line("equity after costs", data.equity, data.equity.equity, { color: color("accent"), shape: "hv" })];
    if (data.hold.time.length) traces.push(line("buy-and-hold", data.hold, data.hold.equity, { color: color("hold"), dash: "dot" }));
    traces.push({ type: "scatter", mode: "lines", name: "drawdown", x: data.equity.time, yaxis: "y2", fill: "tozeroy",
      y: data.equity.drawdown.map((depth) => -depth), line: { width: 1, color: color("fall"), shape: "hv" },
      hovertemplate: "%{y:.2%}<br>%{x}<extra>drawdown</extra>" });
    Plotly.react("equity", traces, layout({
      xaxis: times({ anchor: "y2" }),
      yaxis: axis({ domain: [0.36, 1], title: { text: data.quote, standoff: 12 }, tickformat: ",.6~r" }),
      yaxis2: axis({ domain: [0, 0.28], title: { text: "drawdown", standoff: 12 }, tickformat: ".1~%", rangemode: "tozero" }),
    }), options);
  }

  // The run with hedges beside the same run without: equity above, both falls below.
  function drawHedging() {
    if (!data.unhedged) return;
    const runs = [["with hedges", data.equity, { color: color("accent") }], ["without", data.unhedged, { color: color("hold"), dash: "dot" }]];
    const traces = runs.flatMap(([name, run, style]) => [
      { type: "scatter", mode: "lines", name, legendgroup: name, x: run.time, y: run.equity, line: { width: 1.5, shape: "hv", ...style },
        hovertemplate: `%{y:,.2f} ${data.quote}<br>%{x}<extra>${name}</extra>` },
      { type: "scatter", mode: "lines", name, legendgroup: name, showlegend: false, x: run.time, yaxis: "y2",
        y: run.drawdown.map((depth) => -depth), line: { width: 1.2, shape: "hv", ...style },
        hovertemplate: `%{y:.2%}<br>%{x}<extra>drawdown ${name}</extra>` }]);
    Plotly.react("hedging", traces, layout({
      xaxis: times({ anchor: "y2" }),
      yaxis: axis({ domain: [0.42, 1], title: { text: data.quote, standoff: 12 }, tickformat: ",.6~r" }),
      yaxis2: axis({ domain: [0, 0.36], title: { text: "drawdown", standoff: 12 }, tickformat: ".1~%", rangemode: "tozero" }),
    }), options);
  }

  const candlestick = (source) => ({ type: "candlestick", name: "candles", x: source.candles.time,
    open: source.candles.open, high: source.candles.high, low: source.candles.low, close: source.candles.close,
    xperiod: source.width, xperiodalignment: "middle", showlegend: false,
    increasing: { line: { color: color("up"), width: 1 } }, decreasing: { line: { color: color("down"), width: 1 } } });

  const points = (name, symbol, shade, size, rows) => ({ type: "scatter", mode: "markers", name, x: rows.map((row) => row[0]),
    y: rows.map((row) => row[1]), text: rows.map((row) => row[2]),
    hovertemplate: "%{text}<br>%{y}<br>%{x}<extra></extra>",
    marker: { symbol, size, color: shade, line: { width: 1, color: color("page") } } });

  const levels = (name, shade, rows, dash) => ({ type: "scatter", mode: "lines", name, hoverinfo: "skip",
    x: rows.flatMap(([from, to]) => [from, to, null]), y: rows.flatMap(([, , price]) => [price, price, null]),
    connectgaps: false, line: { color: shade, width: 1.3, dash: dash || "solid" } });

  function marks(trades, size) {
    const entries = (side) => trades.filter((trade) => trade.side === side)
      .map((trade) => [...trade.entry, `entry of ${trade.title}`]);
    const exits = (won) => trades.filter((trade) => trade.won === won)
      .flatMap((trade) => trade.exits.map(([time, price, text]) => [time, price, `${trade.title}<br>${text}`]));
    return [points("entry LONG", "triangle-up", color("entry"), size, entries(1)),
      points("entry SHORT", "triangle-down", color("entry"), size, entries(-1)),
      points("exit of a won trade", "circle", color("up"), size, exits(true)),
      points("exit of a lost trade", "x", color("down"), size, exits(false))].filter((trace) => trace.x.length);
  }

  const lastExit = (trade) => trade.exits[trade.exits.length - 1][0];
  const spans = (trades, key) => trades.filter((trade) => trade[key] !== null)
    .map((trade) => [trade.entry[0], lastExit(trade), trade[key]]);

  function drawCoin() {
    const coin = data.coins[find("coin").value];
    if (!coin) return;
    find("coin-text").textContent = coin.text;
    const traces = [candlestick(coin),
      levels("first stop", color("stop"), spans(coin.trades, "stop")),
      levels("take profit", color("target"), spans(coin.trades, "target")), ...marks(coin.trades, 7)];
    Plotly.react("coin-chart", traces, layout({
      xaxis: times({ rangeslider: { visible: false } }), yaxis: axis({ tickformat: ",.8~r" }) }), options);
  }

  function stopPath(trade) {
    const path = trade.stops.filter((move) => move[1] !== null);
    if (!path.length) return [];
    const rows = [...path, [trade.end, path[path.length - 1][1]]];
    const traces = [{ type: "scatter", mode: "lines", name: "stop", x: rows.map((row) => row[0]), y: rows.map((row) => row[1]),
      line: { color: color("stop"), width: 2, shape: "hv" }, hovertemplate: "stop %{y}<br>%{x}<extra></extra>" }];
    if (trade.last_stop !== null && trade.last_stop !== path[path.length - 1][1]) {
      traces.push(levels("last stop", color("stop"), [[trade.entry[0], trade.end, trade.last_stop]], "dot"));
    }
    return traces;
  }

  // The traces of a trade once for each pane; only the first pane's are in the legend.
  function inPane(traces, place) {
    const suffix = place ? `${place + 1}` : "";
    return traces.map((trace) => ({ ...trace, xaxis: `x${suffix}`, yaxis: `y${suffix}`, legendgroup: trace.name,
      ...(place ? { showlegend: false } : {}) }));
  }

  function drawTrade() {
    const trade = data.trades[find("trade").value];
    if (!trade) return;
    const panes = trade.panes.map((pane) => pane.text).join(" on the left, on the right ");
    find("trade-text").textContent = `${trade.why && `Chosen: ${trade.why}; `}${panes}.`;
    const targets = [...trade.levels, trade.target].filter((price) => price !== null)
      .map((price) => [trade.entry[0], trade.end, price]);
    const shared = [...stopPath(trade), levels("targets", color("target"), targets), ...marks([trade], 11)];
    const traces = trade.panes.flatMap((pane, place) =>
      inPane([...(pane.candles.time.length ? [candlestick(pane)] : []), ...shared], place));
    const price = { tickformat: ",.8~r" };
    const hidden = { rangeslider: { visible: false } };
    const split = trade.panes.length > 1;
    Plotly.react("trade-chart", traces, layout({
      xaxis: times({ ...hidden, domain: split ? [0, 0.56] : [0, 1] }), yaxis: axis(price),
      ...(split ? { xaxis2: times({ ...hidden, domain: [0.64, 1], anchor: "y2" }),
        yaxis2: axis({ ...price, anchor: "x2" }) } : {}),
    }), options);
    const rows = trade.facts.map(([name, text]) => {
      const row = document.createElement("tr");
      for (const [tag, content] of [["th", name], ["td", text]]) {
        row.appendChild(document.createElement(tag)).textContent = content;
      }
      return row;
    });
    find("trade-facts").replaceChildren(...rows);
  }

  function choices(id, names, draw) {
    const select = find(id);
    if (!select) return () => {};
    names.forEach((name, place) => select.add(new Option(name, place)));
    select.addEventListener("change", draw);
    return draw;
  }

  function step(by) {
    const select = find("trade");
    select.selectedIndex = (select.selectedIndex + by + select.length) % select.length;
    drawTrade();
  }

  const coin = choices("coin", data.coins.map((each) => each.name), drawCoin);
  const trade = choices("trade", data.trades.map((each) => each.why ? `${each.title} (${each.why})` : each.title), drawTrade);
  if (find("trade")) {
    find("before").addEventListener("click", () => step(-1));
    find("after").addEventListener("click", () => step(1));
  }
  const all = () => { drawEquity(); drawHedging(); coin(); trade(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  all();
})();
