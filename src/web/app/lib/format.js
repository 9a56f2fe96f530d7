// Numbers, times and sizes as people read them.

const STATUS = {RUNNING: "running", FINISHED: "finished", FAILED: "failed", KILLED: "killed", SCHEDULED: "scheduled"};

/** A metric in at most `digits` significant digits; whole numbers in full. "NaN" and infinities as they are. */
export function number(value, digits = 5) {
    if (value === null || value === undefined || value === "") return "";
    const x = Number(value);
    if (!Number.isFinite(x)) return String(value);
    if (Math.abs(x) >= 1.7e308) return x > 0 ? "∞" : "−∞";
    if (Number.isInteger(x) && Math.abs(x) < 1e15) return String(x).replace("-", "−");
    const size = Math.abs(x);
    const text = size !== 0 && (size < 1e-4 || size >= 1e9) ? x.toExponential(digits - 2) : trim(x.toPrecision(digits));
    return text.replace("-", "−");
}

function trim(text) {
    return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}

const GROUPED = new Intl.NumberFormat("en-US");

/** "10,000" */
export function count(n) {
    return n === null || n === undefined ? "–" : GROUPED.format(n);
}

/** "1 run", "2 runs" */
export function plural(n, one, many = `${one}s`) {
    return `${count(n)} ${n === 1 ? one : many}`;
}

/** "1.4 MB" */
export function bytes(n) {
    if (n === null || n === undefined) return "–";
    if (n < 1000) return `${n} B`;
    const units = ["kB", "MB", "GB", "TB"];
    let value = n / 1000, i = 0;
    while (value >= 999.5 && i < units.length - 1) {
        value /= 1000;
        i++;
    }
    return `${value.toPrecision(3)} ${units[i]}`;
}

/** "0.4 ms", "480 ms", "3.2 s", "4 min 10 s", "2 h 5 min", "3 d 4 h" */
export function duration(ms) {
    if (ms === null || ms === undefined || !Number.isFinite(ms) || ms < 0) return "–";
    if (ms > 0 && ms < 0.05) return "< 0.1 ms";
    if (ms < 1000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
    const seconds = ms / 1000;
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return `${hours} h ${minutes % 60} min`;
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const pad = (n) => String(n).padStart(2, "0");

/** "2026-11-21 23:04:05" in the reader's time zone. */
export function dateTime(ms) {
    if (!ms) return "–";
    const d = new Date(ms);
    return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ` +
        `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

/** "just now", "5 min ago", "3 h ago", "2 d ago", then the date. */
export function ago(ms, now = Date.now()) {
    if (!ms) return "–";
    const seconds = (now - ms) / 1000;
    if (seconds < 45) return "just now";
    if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
    if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
    if (seconds < 14 * 86400) return `${Math.round(seconds / 86400)} d ago`;
    return dateTime(ms).slice(0, 10);
}

export function statusName(status) {
    return STATUS[status] ?? String(status ?? "").toLowerCase();
}

/** "org.apache.spark.ml.classification.GBTClassificationModel" → "GBTClassificationModel" */
export function shortClass(name) {
    return String(name ?? "").split(".").pop();
}
