// The server itself: versions, memory, where things are stored, configuration.

import {h, refill} from "../lib/dom.js";
import {bytes, dateTime, duration} from "../lib/format.js";
import {card, facts} from "../lib/parts.js";
import {engineFrame, livePath} from "./engine.js";

export default async function environmentPage(page) {
    const body = engineFrame(page, "environment");
    await livePath(page, body, "server", 3000, (server) => refill(body,
        h("div.figures", figure(server.version, "chert"), figure(duration(server.uptime_ms), "up"),
            figure(bytes(server.rss_bytes), "memory"),
            figure(duration((server.cpu_seconds ?? 0) * 1000), "CPU"), figure(server.threads ?? "–", "threads")),
        h("div.cards",
            card("Server", facts([["Started", dateTime(server.started_ms)],
                ["Speaks", `Spark ${server.spark_version}, MLflow ${server.mlflow_version}`],
                ["Connect port", server.connect_port], ["Memory limit", limit(server.memory_limit)],
                    ["Store", h("span.mono", server.store ?? "–")],
                ["Artifacts", h("span.mono", server.artifacts ?? "–")]])),
            pairs("Configuration", server.config), pairs("Environment", server.environment))));
}

function figure(value, name) {
    return h("div.figure", h("b", value), h("span", name));
}

function limit(value) {
    return typeof value === "number" ? bytes(value) : value ?? "–";
}

function pairs(title, object) {
    const rows = Object.entries(object ?? {}).sort();
    return rows.length ? card(title, h("div.table-wrap", h("table.plain", h("tbody", rows.map(([name, value]) =>
        h("tr", h("td.key.mono", name), h("td.value.mono", String(value)))))))) : null;
}
