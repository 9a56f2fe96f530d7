// Who may use an experiment or a registered model, and changing that.

import {chert, mlflow} from "../lib/api.js";
import {reportError, toast} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";
import {card, failed} from "../lib/parts.js";

const WORDS = [["NO_PERMISSIONS", "nothing"], ["READ", "read"], ["EDIT", "edit"], ["MANAGE", "manage"]];
const label = (permission) => WORDS.find(([word]) => word === permission)?.[1] ?? permission;

/** A card of everybody's permission; `type`: "experiment" or "registered_model". */
export function permissionsCard(type, id, signal) {
    const body = h("div", h("p.faint", "Loading…"));
    const load = async () => {
        try {
            draw(await chert.get("permissions", {resource_type: type, resource_id: id}, signal));
        } catch (error) {
            if (error.name !== "AbortError") fill(body, failed(error));
        }
    };
    const draw = ({mine, default_permission: otherwise, people}) => {
        const manages = mine === "MANAGE";
        fill(body, h("p.muted", "You may ", h("strong", label(mine)),
            manages ? "." : ". Who manages it can change that."),
            h("div.table-wrap", h("table.plain", h("thead", h("tr", h("th", "User"), h("th", "May"))),
                h("tbody", people.map((person) => h("tr", h("td.value", person.username),
                    h("td", person.is_admin ? h("span.faint", "everything: administrator")
                        : manages ? choice(person, otherwise) : label(person.permission ?? otherwise))))))));
    };
    const choice = (person, otherwise) => h("select", {"aria-label": `Permission of ${person.username}`,
        onchange: (event) => change(person, event.target.value)},
    h("option", {value: "", selected: !person.permission}, `${label(otherwise)} (as all)`),
    WORDS.map(([word, text]) => h("option", {value: word, selected: word === person.permission}, text)));
    const change = async (person, permission) => {
        const who = {username: person.username, resource_type: type, resource_id: id};
        try {
            await mlflow.post(`users/permissions/${permission ? "grant" : "revoke"}`, {...who, permission: permission ||
                undefined});
            toast(permission ? `${person.username} may ${label(permission)}` : `${person.username} is as all others`);
        } catch (error) {
            reportError(error);
        }
        await load();
    };
    load();
    return card("Access", body);
}
