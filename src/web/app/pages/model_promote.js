// Moving versions of registered models: stages and aliases.

import {mlflow} from "../lib/api.js";
import {formDialog, reportError, toast} from "../lib/dialog.js";

const STAGES = ["None", "Staging", "Production", "Archived"];

export function askStage(version, versions) {
    const others = versions.filter((v) => v.version !== version.version &&
        ["Production", "Staging"].includes(v.current_stage));
    return formDialog({
        title: `Stage of version ${version.version}`, action: "Move",
        text: others.length ? `Now: ${others.map((v) => `version ${v.version} in ${v.current_stage}`).join(", ")}.`
            : "",
        fields: [
            {name: "stage", label: "Stage", type: "select", options: STAGES, value: version.current_stage === "None"
                ? "Production" : version.current_stage},
            {name: "archive", label: "Archive the versions that are in this stage now", type: "checkbox", value: true},
        ],
        submit: async ({stage, archive}) => {
            await mlflow.post("model-versions/transition-stage", {name: version.name, version: version.version, stage,
                archive_existing_versions: archive && (stage === "Production" || stage === "Staging")});
            toast(`Version ${version.version} is now in ${stage}`);
        },
    });
}

export function askAlias(version) {
    return formDialog({
        title: `Alias for version ${version.version}`, action: "Set",
        text: "An alias that another version has moves here.",
        fields: [{name: "alias", label: "Alias", required: true, hint: "Letters, digits, - and _"}],
        submit: async ({alias}) => {
            await mlflow.post("registered-models/alias", {name: version.name, alias, version: version.version});
            toast(`@${alias} is now version ${version.version}`);
        },
    });
}

export async function removeAlias(version, alias) {
    try {
        await mlflow.delete("registered-models/alias", {name: version.name, alias});
    } catch (error) {
        reportError(error);
    }
}
