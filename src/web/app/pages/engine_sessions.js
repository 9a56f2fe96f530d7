// Sessions of Spark clients: what they hold, and closing them.

import {chert} from "../lib/api.js";
import {confirmDialog, toast} from "../lib/dialog.js";
import {h, refill} from "../lib/dom.js";
import {count} from "../lib/format.js";
import {time} from "../lib/parts.js";
import {engineFrame, livePath} from "./engine.js";

export default async function sessionsPage(page) {
    const body = engineFrame(page, "sessions");
    const load = await livePath(page, body, "sessions", 3000, ({sessions = []}) => {
        refill(body, sessions.length ? table(sessions, () => load()) : h("p.empty", "Nobody is connected."));
    });
}

function table(sessions, again) {
    const head = ["Session", "User", "Opened", "Last used", "Running", "Operations", "Cached", "Models", "Views", ""];
    return h("div.table-wrap", h("table.plain.card-table", h("thead", h("tr", head.map((title) => h("th", title)))),
        h("tbody", sessions.map((s) => h("tr",
            h("td.mono", {title: s.id}, s.id.slice(0, 8)), h("td", s.user ?? ""), h("td.nowrap", time(s.created_ms)),
                h("td.nowrap", time(s.last_used_ms)),
            h("td", s.operations_running ? h("span.badge.accent", s.operations_running) : "0"),
                h("td", count(s.operations_total)),
            h("td", (s.cached ?? []).length), h("td", s.models ?? 0), h("td.value", (s.temp_views ?? []).join(", ")),
            h("td.acts", h("button.small.danger", {"aria-label": `Close session ${s.id}`, onclick: () => close(s).then(again)},
                "Close")))))));
}

async function close(session) {
    const running = session.operations_running ? ` ${session.operations_running} running operations end with an error.`
        : "";
    if (await confirmDialog("Close this session?", `Its views, cached frames and models go with it.${running}`,
        "Close the session",
        () => chert.post(`sessions/${encodeURIComponent(session.id)}/close`, {}))) toast("Closed");
}
