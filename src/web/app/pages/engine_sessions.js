// Sessions of Spark clients: what they hold, what they do, and closing them.

import {chert} from "../lib/api.js";
import {confirmDialog, toast} from "../lib/dialog.js";
import {h, refill} from "../lib/dom.js";
import {count} from "../lib/format.js";
import {copyButton, time} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {engineFrame, livePath} from "./engine.js";

const HEAD = ["Session", "User", "Opened", "Last used", "Running", "Operations", "Cached frames", "Models", "Views",
    ""];

export default async function sessionsPage(page, params, query) {
    const body = engineFrame(page, "sessions");
    const wanted = query.get("session");
    const load = await livePath(page, body, "sessions", 3000, ({sessions = []}) => {
        refill(body, wanted && !sessions.some((s) => s.id === wanted) &&
            h("p.muted", {style: {"margin-bottom": "10px"}}, `Session ${wanted.slice(0, 8)} is closed.`),
        sessions.length ? table(sessions, wanted, () => load())
            : h("p.empty", "Nobody is connected. Programs connect with SPARK_REMOTE=sc://…"));
    });
}

function table(sessions, wanted, again) {
    return h("div.table-wrap", h("table.plain.card-table", h("thead", h("tr", HEAD.map((title) => h("th", title)))),
        h("tbody", sessions.map((s) => h("tr", {class: s.id === wanted ? "wanted" : ""},
            h("td.mono.nowrap", {title: s.id}, s.id.slice(0, 8), copyButton(s.id, `Copy the session id ${s.id}`)),
            h("td", s.user ?? ""), h("td.nowrap", time(s.created_ms)), h("td.nowrap", time(s.last_used_ms)),
            h("td", s.operations_running ? h("span.badge.accent", s.operations_running) : "0"),
            h("td", h("a", {href: link(["engine", "operations"], {session: s.id})}, count(s.operations_total))),
            h("td", (s.cached ?? []).length), h("td", s.models ?? 0), h("td.value", (s.temp_views ?? []).join(", ")),
            h("td.acts", h("button.small.danger", {"aria-label": `Close session ${s.id}`,
                onclick: () => close(s).then(again)}, "Close")))))));
}

async function close(session) {
    const running = session.operations_running ? ` ${session.operations_running} running operations end with an error.`
        : "";
    if (await confirmDialog("Close this session?", `Its views, cached frames and models go with it.${running}`,
        "Close the session",
        () => chert.post(`sessions/${encodeURIComponent(session.id)}/close`, {}))) toast("Closed");
}
