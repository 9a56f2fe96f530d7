// Who may use an experiment.

import {fill, h} from "../lib/dom.js";
import {heading} from "../lib/parts.js";
import {link} from "../lib/router.js";
import {experimentTabs} from "./experiment_tabs.js";
import {permissionsCard} from "./permissions.js";

export default function accessPage(page, {experiments}) {
    page.title("Access");
    fill(page.root, h("div.page", heading("Access", {crumbs: [["Experiments", "#/experiments"],
        [`Experiment ${experiments}`, link(["experiments", experiments])]]}), experimentTabs(experiments, "access"),
    permissionsCard("experiment", experiments, page.signal)));
}
