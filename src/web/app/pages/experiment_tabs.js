// The tabs of an experiment: its runs, logged models, traces, and who may use it.

import {whoami} from "../lib/account.js";
import {tabs} from "../lib/parts.js";
import {link} from "../lib/router.js";

/** For one experiment, or several ("3,4"), which have no permissions in common. */
export function experimentTabs(experiments, current) {
    const rows = (withAccess) => [
        ["runs", "Runs", link(["experiments", experiments])],
        ["models", "Logged models", link(["experiments", experiments, "models"])],
        ["traces", "Traces", link(["experiments", experiments, "traces"])],
        withAccess && ["access", "Access", link(["experiments", experiments, "access"])],
    ];
    const element = tabs(rows(current === "access"), current);
    if (!experiments.includes(",")) {
        whoami().then((me) => {
            if (me.auth && element.children.length === 3) element.replaceWith(tabs(rows(true), current));
        });
    }
    return element;
}
