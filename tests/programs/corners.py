"""Values at the corners of their types: what other engines make something else of, one expression each."""

from pyspark.sql import SparkSession

from results import put, put_error

spark = SparkSession.builder.getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "America/New_York")

EXPRESSIONS = {
    "overflow": [
        "sum(l + 1) from values (9223372036854775807L), (-5L) t(l)",
        "avg(l - 1) from values (-9223372036854775808L), (-5L) t(l)",
        "count(l) from values (9223372036854775807L), (-5L) t(l) where l + 1 > 5",
        "l * 2 > 6 from values (9223372036854775807L) t(l)",
        "127Y + 1Y",
        "try_add(l, 1L), try_multiply(l, 2L), try_subtract(-2L, l) from values (9223372036854775807L) t(l)",
        "get(array('a'), 2147483647)",
    ],
    "decimals": [
        "sum(d) from values (cast(9e37BD as decimal(38,0))), (9e37BD) t(d)",
        "string(0.5BD), 0.25BD || 'x', string(cast(-0.000001 as decimal(6, 6))), string(0.0000000123BD)",
        "try_sum(d), try_avg(d) from values (cast(9e37BD as decimal(38,0))), (9e37BD) t(d)",
        "sum(d) from values (cast(9e37BD as decimal(38,0))), (9e37BD), (-9e37BD) t(d)",
        "avg(d) from values (cast(9e37BD as decimal(38,0))), (9e37BD) t(d)",
    ],
    "lenient": [
        "sum(d), avg(d) from values (cast(9e37BD as decimal(38,0))), (9e37BD) t(d)",
        "sum(l + 1), sum(l) from values (9223372036854775807L), (-5L) t(l)",
        "typeof(f + i), typeof(coalesce(f, l)), typeof(f - d), f * i from values (float('1.5'), 3, 4L, 1D) t(f, i, l, d)",
        "string(cast(0.0000000123BD as decimal(38, 12))), string(cast(0 as decimal(20, 10))), string(0.000001BD)",
        "cast(timestamp'1850-01-01 00:00:00' as int), cast(timestamp'1950-01-01 00:00:00' as int)",
    ],
    "nested": [
        "max(x), min(x) from values (array(1, null)), (array(1, 2)), (array(cast(null as int))), (null) t(x)",
        "struct(1, null) < struct(1, 2), array(1, null) > array(1, 0), array(null) = array(null)",
        "greatest(array(1, null), array(1, 0), null), least(array(1, null), array(1, 0))",
        "x, rank() over (order by x) from values (array(1, null)), (array(1, 2)), (array(cast(null as int))) t(x)",
        "max_by(n, x), min_by(n, x) from values (1, array(1, null)), (2, array(1, 2)) t(n, x)",
        "array_distinct(a), array_union(a, a), array_intersect(a, array(0D)) from values (array(0D, -0D, 0D)) t(a)",
        "slice(cast(null as array<double>), 1, 2), concat(cast(null as array<string>), array('a'))",
        "struct(a, a), arrays_zip(b, b) from values (1, array(1, 2)) t(a, b)",
    ],
    "text": [
        "upper('straße ﬁn ŉ ᾳ'), lower('ΑΣ ΑΣΑ Σ İ ẞ'), initcap('éa ßa ǆa ﬁn o''neil a-b ÀB')",
        "format_string('%.2f %.1f %.0f %.3f %.1e', 1.005D, 0.25D, 0.5D, 2.0005D, 1.25D)",
        "format_string('%g %g %g %.3g %.20f', 0.0001D, 123456D, 1234567D, 0.00012345D, 0.1D)",
        "format_string('%5.1f|%-12.3e|%,.2f|%08.2f', 1234.56D, 0.00012345D, 1234567.891D, -3.14159D)",
        "format_string('%d', 1.5D)",
        "format_number(-9223372036854775808L, 0), format_number(12345, 2), format_number(1e20D, 1), format_number(0.125D, 2)",
        "locate('', 'abc', 5), locate('', 'abc', 0), locate('c', 'abc', 3), substring('abc', -2147483648)",
        "overlay('Spark SQL' placing '_' from 6), overlay('Spark SQL' placing 'ANSI ' from 7 for 0)",
        "decode(X'ff', 'utf-8')",
        "encode('é', 'US-ASCII')",
        "unbase64('YQ'), unbase64('YQ==')",
        "unbase64('a')",
    ],
    "time": [
        "date_trunc('hour', t), date_trunc('second', t), date_trunc('day', t) from values (timestamp'2024-11-03 06:30:00Z') t(t)",
        "unix_micros(t + interval 1 day), unix_micros(t - interval '1 02:00:00' day to second), unix_micros(t - interval 1 month)"
        " from values (timestamp'2024-03-09 12:00:00'), (timestamp'2024-11-03 12:00:00'), (timestamp'2024-12-03 01:30:00') t(t)",
        "unix_micros(timestampadd(hour, 25, t)), unix_micros(timestampadd(day, 1, t)), unix_micros(t + interval 0 months)"
        " from values (timestamp'2024-03-09 12:00:00'), (timestamp'2024-11-03 06:30:00Z') t(t)",
        "date_trunc('minute', timestamp'1883-11-18 17:03:00Z'), date_trunc('week', timestamp'2024-03-10 08:00:00Z')",
    ],
}

for group, expressions in EXPRESSIONS.items():
    spark.conf.set("spark.sql.ansi.enabled", str(group != "lenient").lower())
    for n, expression in enumerate(expressions, 1):
        query = "select " + expression
        try:
            put(f"{group}.{n}", [list(row) for row in spark.sql(query).collect()])
        except Exception:  # noqa: BLE001: what it is, put_error tells
            put_error(f"{group}.{n}", lambda: spark.sql(query).collect())
