// Scales and their ticks, shared by the charts that are drawn here.

/** Smallest and largest finite value; [0, 1] when there is none, widened when both are the same. */
export function extent(values) {
    let low = Infinity, high = -Infinity;
    for (const value of values) {
        if (!Number.isFinite(value)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
    }
    if (low > high) return [0, 1];
    if (low === high) return [low - (Math.abs(low) || 1) * 0.1, high + (Math.abs(high) || 1) * 0.1];
    return [low, high];
}

/** `fraction` of the range more on both sides. */
export function widen([low, high], fraction = 0.05) {
    const more = (high - low) * fraction;
    return [low - more, high + more];
}

/** Round values inside [low, high], about `wanted` of them. */
export function ticks([low, high], wanted = 5) {
    const rough = (high - low) / Math.max(1, wanted);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? power * 10;
    const list = [];
    for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) list.push(Number((i * step)
        .toPrecision(12)));
    return list;
}

/** A function from values of `domain` to positions in `range`. */
export function linear([low, high], [from, to]) {
    const slope = (to - from) / (high - low || 1);
    return (value) => from + (value - low) * slope;
}
