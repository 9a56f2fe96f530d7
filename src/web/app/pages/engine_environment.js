// The server itself: versions, memory and CPU as they go, where things are stored, configuration: what Spark's tabs of
// executors and of the environment tell.

import {seriesColor} from "../charts/colors.js";
import {lineChart} from "../charts/lines.js";
import {h, refill} from "../lib/dom.js";
import {bytes, count, dateTime, duration} from "../lib/format.js";
import {card, facts} from "../lib/parts.js";
import {engineFrame, livePath} from "./engine.js";

const EVERY = 3000; // ms
const KEPT = 200; // samples

export default async function environmentPage(page) {
    const body = engineFrame(page, "environment");
    const top = h("div"), below = h("div.stack");
    const load = new Load();
    body.append(top, load.element, below);
    await livePath(page, below, "server", EVERY, (server) => {
        refill(top, figures(server));
        load.add(server);
        refill(below, details(server));
    });
}

function figures(server) {
    const figure = (value, name) => h("div.figure", h("b", value), h("span", name));
    const ops = server.operations ?? {};
    return h("div.figures", figure(server.version, "chert"), figure(duration(server.uptime_ms), "up"),
        figure(bytes(server.rss_bytes), `memory of ${limit(server.memory_limit ?? server.environment?.memory_bytes)}`),
        server.engine_memory_bytes !== undefined && figure(bytes(server.engine_memory_bytes), "held by the engine"),
        server.engine_spilled_bytes !== undefined && figure(bytes(server.engine_spilled_bytes), "spilled to disk"),
        figure(duration((server.cpu_seconds ?? 0) * 1000), "CPU"),
        figure(server.threads ?? "–", server.environment?.cores ? `threads on ${server.environment.cores} cores`
            : "threads"),
        server.operations && figure([ops.running, ops.finished, ops.failed, ops.cancelled].map((n) => count(n ?? 0))
            .join(" / "), "running / finished / failed / cancelled"));
}

function details(server) {
    return h("div.cards",
        card("Server", facts([["Started", dateTime(server.started_ms)],
            ["Speaks", `Spark ${server.spark_version}, MLflow ${server.mlflow_version}`],
            ["Connect port", server.connect_port],
            server.memory_limit !== undefined && ["Memory limit", limit(server.memory_limit)],
            ["Store", h("span.mono", server.store ?? "–")],
            ["Artifacts", h("span.mono", server.artifacts ?? "–")]])),
        pairs("Configuration", server.config), pairs("Environment", server.environment));
}

function limit(value) {
    return typeof value === "number" ? bytes(value) : value ?? "–";
}

function pairs(title, object) {
    const rows = Object.entries(object ?? {}).sort();
    const text = (name, value) => /_bytes$/.test(name) && typeof value === "number" ? bytes(value) : String(value);
    return rows.length ? card(title, h("div.table-wrap", h("table.plain", h("tbody", rows.map(([name, value]) =>
        h("tr", h("td.key.mono", name), h("td.value.mono", text(name, value)))))))) : null;
}

/** Memory and busy cores while this page is looked at. */
class Load {
    constructor() {
        this.memory = [];
        this.cores = [];
        this.element = h("div.cards", {hidden: true, style: {"margin-bottom": "14px"}});
    }

    add(server) {
        const now = Date.now();
        this.memory.push({step: 0, timestamp: now, value: server.rss_bytes / 1e6});
        if (this.last) {
            this.cores.push({step: 0, timestamp: now,
                value: Math.max(0, (server.cpu_seconds - this.last.cpu) * 1000 / (server.uptime_ms - this.last.at))});
        }
        this.last = {cpu: server.cpu_seconds, at: server.uptime_ms};
        for (const list of [this.memory, this.cores]) if (list.length > KEPT) list.shift();
        if (this.cores.length > 1) this.draw();
    }

    draw() {
        const charts = [["Memory (MB)", this.memory, 0], ["Busy cores", this.cores, 1]];
        const options = {x: "time", height: 130, fromZero: true};
        const series = ([label, points, color]) => [{label, color: seriesColor(color), points: [...points]}];
        if (this.charts) {
            this.charts.forEach((chart, i) => chart.update(series(charts[i]), options));
            return;
        }
        this.charts = charts.map((one) => lineChart(series(one), options));
        this.element.hidden = false;
        this.element.append(...charts.map(([title], i) => card(title, this.charts[i])));
    }
}
