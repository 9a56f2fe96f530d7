// Who may use an experiment.

import {fill, h} from "../lib/dom.js";
import {ExperimentHead} from "./experiment_head.js";
import {permissionsCard} from "./permissions.js";

export default function accessPage(page, {experiments}) {
    const head = new ExperimentHead(page, [experiments], "access");
    fill(page.root, h("div.page", head.element, permissionsCard("experiment", experiments, page.signal)));
    head.load();
}
