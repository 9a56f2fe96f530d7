// Reads the YAML that MLflow writes (MLmodel files): nested maps and lists by indentation, plain and quoted scalars
// that may go on over several lines, block scalars, inline empty collections. Anything beyond that becomes text.

/** The document as objects, arrays, strings, numbers, booleans and null. */
export function parseYaml(text) {
    const lines = text.split("\n").map((raw) => ({indent: raw.search(/\S/), text: raw.trim(), raw}))
        .filter((line) => line.indent >= 0 && !line.text.startsWith("#") && line.text !== "---");
    return new Reader(lines).block(0);
}

const KEY = /^((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s'"#\-[{][^:]*|-[^\s:][^:]*)):(?:\s+(.*))?$/;

class Reader {
    constructor(lines) {
        this.lines = lines;
        this.at = 0;
    }

    get line() {
        return this.lines[this.at];
    }

    /** A map, a list or a scalar whose lines are indented by at least `indent`. */
    block(indent) {
        if (!this.line || this.line.indent < indent) return null;
        const own = this.line.indent;
        if (this.line.text === "-" || this.line.text.startsWith("- ")) return this.list(own);
        if (KEY.test(this.line.text)) return this.map(own);
        return this.scalar(this.lines[this.at++].text, own - 1);
    }

    list(indent) {
        const items = [];
        while (this.line && this.line.indent === indent && /^-(\s|$)/.test(this.line.text)) {
            const rest = this.line.text.slice(1).trimStart();
            if (!rest) {
                this.at++;
                items.push(this.block(indent + 1));
                continue;
            }
            // "- key: value" opens a map that goes on two columns further in
            const inner = indent + this.line.text.length - rest.length;
            this.lines[this.at] = {...this.line, indent: inner, text: rest};
            items.push(this.block(inner));
        }
        return items;
    }

    map(indent) {
        const result = {};
        while (this.line && this.line.indent === indent) {
            const match = KEY.exec(this.line.text);
            if (!match) break;
            this.at++;
            result[String(value(match[1].trim()))] = this.member(match[2] ?? "", indent);
        }
        return result;
    }

    member(rest, indent) {
        if (/^[|>][-+]?\d*$/.test(rest)) return this.blockScalar(rest, indent);
        if (rest) return this.scalar(rest, indent);
        const next = this.line;
        if (!next) return null;
        if (next.indent > indent) return this.block(next.indent);
        return next.indent === indent && /^-(\s|$)/.test(next.text) ? this.list(indent) : null;
    }

    blockScalar(style, indent) {
        const parts = [];
        const inner = this.line?.indent ?? 0;
        while (this.line && this.line.indent > indent) parts.push(this.lines[this.at++].raw.slice(inner));
        return parts.join(style[0] === "|" ? "\n" : " ");
    }

    /** A scalar with the deeper lines that continue it. */
    scalar(first, indent) {
        let text = first;
        while (this.line && this.line.indent > indent &&
            !closed(text)) text += joiner(text) + this.lines[this.at++].text;
        return value(text);
    }
}

function closed(text) {
    if (text[0] === "'") return /^'(?:[^']|'')*'$/.test(text);
    if (text[0] === "\"") return /^"(?:[^"\\]|\\.)*"$/.test(text);
    return false;
}

/** In double quotes a backslash at the end of a line joins without a space; the next line may begin with "\ ". */
function joiner(text) {
    return text[0] === "\"" && text.endsWith("\\") ? "" : " ";
}

function value(text) {
    if (text[0] === "'" && text.endsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
    if (text[0] === "\"" && text.endsWith("\"")) return unescape(text.slice(1, -1));
    if (text === "{}") return {};
    if (text === "[]") return [];
    if (text === "" || text === "null" || text === "~") return null;
    if (text === "true" || text === "false") return text === "true";
    if (/^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
    return text;
}

const ESCAPES = {n: "\n", t: "\t", r: "\r", "\"": "\"", "\\": "\\", "/": "/", " ": " ", 0: "\0"};

function unescape(text) {
    return text.replace(/\\(x[\da-f]{2}|u[\da-f]{4}|.)/gi, (_, code) =>
        code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : ESCAPES[code] ?? code);
}
