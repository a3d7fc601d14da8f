"""Writes and reads of the collection with every type: insert, upsert, merge, delete, query, iterators, search, hybrid."""

import numpy
from pymilvus import AnnSearchRequest, FieldOp, Function, FunctionType, RRFRanker, WeightedRanker

import rows
from rows import COUNT, NAME, dense, key, read_back, row
from tap import check, does, fails

MERGED = key(1)
GROWN = key(2)
DELETED = [key(number) for number in (290, 291, 292)]
OTHER_DELETED = {key(number) for number in range(293, 297)}
ALL = ["*"]


def stored(number):
    """What row `number` looks like after `before`."""
    expected = row(number)
    if number == 1:
        expected["body"] = "merged text"
        expected["yes"] = None
        expected["shade"] = "dark"
    if number == 2:
        expected["tags"] = [*expected["tags"], "new", "new"]
        expected["numbers"] = [value for value in expected["numbers"] if value != 2**60]
    if number == 3:
        expected = {**row(3), "body": "replaced", "color": "white"}
    return expected


def left():
    return [number for number in range(COUNT) if key(number) not in OTHER_DELETED and key(number) not in DELETED]


def before(client):
    does("types: the collection is created, indexed, loaded", lambda: rows.create(client))
    check(
        "types: insert answers count and keys",
        lambda: [(found := client.insert(NAME, [row(number) for number in range(COUNT)]))["insert_count"], found["ids"][-1]],
        [COUNT, key(COUNT - 1)],
    )
    check("types: flush and count", lambda: (client.flush(NAME), client.get_collection_stats(NAME))[1], {"row_count": COUNT})
    check(
        "types: a merge of text, null and a new dynamic key",
        lambda: client.upsert(
            NAME, [{"key": MERGED, "body": "merged text", "yes": None, "shade": "dark"}], partial_update=True
        )["upsert_count"],
        1,
    )
    check(
        "types: array append",
        lambda: client.upsert(NAME, [{"key": GROWN, "tags": ["new", "new"]}], field_ops={"tags": FieldOp.array_append()})[
            "upsert_count"
        ],
        1,
    )
    check(
        "types: array remove",
        lambda: client.upsert(NAME, [{"key": GROWN, "numbers": [2**60]}], field_ops={"numbers": "array_remove"})[
            "upsert_count"
        ],
        1,
    )
    check(
        "types: an override",
        lambda: client.upsert(NAME, [{**row(3), "body": "replaced", "color": "white"}])["upsert_count"],
        1,
    )
    check("types: delete by keys", lambda: client.delete(NAME, ids=DELETED)["delete_count"], 3)
    check(
        "types: delete by a filter with a parameter",
        lambda: client.delete(NAME, filter="rank in {ranks}", filter_params={"ranks": [293, 294, 295, 296]})["delete_count"],
        4,
    )
    unchanged(client)


def unchanged(client):
    """Everything that `before` left, read in every way."""
    check(
        "types: every value of every row",
        lambda: [read_back(found) for found in client.query(NAME, filter="", limit=COUNT, output_fields=ALL)],
        [stored(number) for number in left()],
    )
    check(
        "types: get answers whole rows",
        lambda: [read_back(found) for found in client.get(NAME, [MERGED, GROWN, key(3)])],
        [stored(1), stored(2), stored(3)],
    )
    check("types: deleted rows are gone", lambda: client.get(NAME, DELETED), [])
    _queries(client)
    _iterators(client)
    _searches(client)
    _hybrid(client)


def _keys(client, filter, **more):
    return [found["key"] for found in client.query(NAME, filter=filter, output_fields=["key"], **more)]


def _queries(client):
    here = left()

    def matching(holds):
        return [key(number) for number in here if holds(stored(number))]

    check(
        "query: count(*)",
        lambda: client.query(NAME, filter="", output_fields=["count(*)"])[0]["count(*)"],
        len(here),
    )
    check(
        "query: count(*) of a filter",
        lambda: client.query(NAME, filter="small > 0", output_fields=["count(*)"])[0]["count(*)"],
        len(matching(lambda one: one["small"] > 0)),
    )
    cases = {
        "long integers compare exactly": (f"long == {2**60 + 77}", lambda one: one["long"] == 2**60 + 77),
        "is null": ("yes is null", lambda one: one["yes"] is None),
        "is not null and a comparison": ("tiny is not null and tiny < -100", lambda one: (one["tiny"] or 0) < -100),
        "like with a prefix": ("body like 'kestrel %'", lambda one: one["body"].startswith("kestrel ")),
        "a path into JSON": ('doc["deep"]["list"][0] == 42', lambda one: bool(one["doc"]) and one["doc"]["n"] == 42),
        "json_contains": (
            'json_contains(doc["deep"]["list"], 43)',
            lambda one: bool(one["doc"]) and one["doc"]["n"] == 43,
        ),
        "array_contains": ("array_contains(tags, 'river')", lambda one: "river" in one["tags"]),
        "array_length": ("array_length(numbers) == 3", lambda one: one["numbers"] is not None and len(one["numbers"]) == 3),
        "dynamic keys": ("color == 'river' and rank > 200", lambda one: one["color"] == "river" and one["rank"] > 200),
        "exists": ("exists shade", lambda one: "shade" in one),
        "arithmetic, not, or, parentheses": (
            "not (rank % 2 == 0 or rank >= 20) and real * 3 > 5",
            lambda one: one["rank"] % 2 == 1 and one["rank"] < 20 and one["real"] * 3 > 5,
        ),
        "in a list of strings": ("key in ['k0010', 'k0011']", lambda one: one["key"] in ("k0010", "k0011")),
    }
    for what, (filter, holds) in cases.items():
        check(f"query: {what}", lambda filter=filter: _keys(client, filter), matching(holds))
    check(
        "query: parameters of a filter",
        lambda: [
            found["key"]
            for found in client.query(
                NAME,
                filter="color == {color} and rank < {most}",
                filter_params={"color": "kestrel", "most": 30},
                output_fields=["key"],
            )
        ],
        matching(lambda one: one["color"] == "kestrel" and one["rank"] < 30),
    )
    check("query: limit and offset", lambda: _keys(client, "", limit=3, offset=2), [key(2), key(3), key(4)])
    check(
        "query: chosen fields and a dynamic key",
        lambda: [dict(found) for found in client.query(NAME, filter="rank == 5", output_fields=["small", "color"])],
        [{"key": key(5), "small": -14500, "color": "lantern" if 5 % 3 == 4 else row(5)["color"]}],
    )
    check("query: no row, no result", lambda: list(client.query(NAME, filter="rank == -1", output_fields=ALL)), [])


def _pages(iterator):
    pages = []
    while page := iterator.next():
        pages.append(page)
    iterator.close()
    return pages


def _iterators(client):
    def keys_of_query(**more):
        return [
            [found["key"] for found in page]
            for page in _pages(client.query_iterator(NAME, output_fields=["key"], **more))
        ]

    check(
        "iterator: a query in pages",
        lambda: [len(page) for page in keys_of_query(batch_size=100, filter="rank >= 0")],
        [100, 100, len(left()) - 200],
    )
    check(
        "iterator: a query in pages has every row once",
        lambda: sum(keys_of_query(batch_size=64), []),
        [key(number) for number in left()],
    )
    check(
        "iterator: a query with a limit",
        lambda: sum(keys_of_query(batch_size=10, limit=25, filter="rank > 9"), []),
        [key(number) for number in left() if number > 9][:25],
    )
    target = dense(7)

    def hits():
        pages = _pages(client.search_iterator(NAME, [target], batch_size=50, anns_field="dense", limit=200))
        return [hit for page in pages for hit in page]

    expected = sorted(_distance(target, number) for number in left())[:200]
    found = does("iterator: a search in pages", lambda: [[hit.id, hit.distance] for hit in hits()])
    check("iterator: the pages are the 200 nearest, nearest first", lambda: [distance for _, distance in found], expected)
    check("iterator: no hit comes twice", lambda: len({id for id, _ in found}), 200)


def _distance(vector, number):
    return float(numpy.sum((numpy.array(vector) - numpy.array(dense(number))) ** 2))


def _found(result):
    return [hit["key"] for hit in result[0]]


def _nearest(target, count, holds=lambda number: True):
    return sorted(_distance(target, number) for number in left() if holds(number))[:count]


def _searches(client):
    target = dense(123)
    check(
        "search: the nearest ten by L2",
        lambda: [hit["distance"] for hit in client.search(NAME, [target], anns_field="dense", limit=10)[0]],
        _nearest(target, 10),
    )
    check(
        "search: with a filter",
        lambda: [
            hit["distance"]
            for hit in client.search(NAME, [target], anns_field="dense", limit=10, filter="color == 'kestrel'")[0]
        ],
        _nearest(target, 10, lambda number: stored(number)["color"] == "kestrel"),
    )
    check(
        "search: hits carry the fields asked for",
        lambda: [
            dict(hit["entity"])
            for hit in client.search(
                NAME, [target], anns_field="dense", limit=1, output_fields=["long", "doc", "rank", "dense", "yes"]
            )[0]
        ],
        [{name: row(123)[name] for name in ("long", "doc", "rank", "dense", "yes")}],
    )
    check(
        "search: several vectors at once, with an offset",
        lambda: [
            [hit["distance"] for hit in hits]
            for hits in client.search(NAME, [dense(5), dense(6)], anns_field="dense", limit=3, search_params={"offset": 2})
        ],
        [_nearest(dense(5), 5)[2:], _nearest(dense(6), 5)[2:]],
    )
    check(
        "search: a range",
        lambda: [
            hit["distance"]
            for hit in client.search(
                NAME,
                [target],
                anns_field="dense",
                limit=100,
                search_params={"params": {"radius": 300.0, "range_filter": 50.0}},
            )[0]
        ],
        [distance for distance in _nearest(target, COUNT) if 50 <= distance < 300][:100],
    )
    check(
        "search: one hit of each group",
        lambda: sorted(
            hit["entity"]["small"]
            for hit in client.search(
                NAME, [target], anns_field="dense", limit=5, filter="small < -14500", group_by_field="small", output_fields=["small"]
            )[0]
        ),
        sorted(row(number)["small"] for number in range(5)),
    )
    check(
        "search: by the key of a stored row",
        lambda: _found(client.search(NAME, ids=[key(50)], anns_field="dense", limit=1)),
        [key(50)],
    )
    half = numpy.array(target, dtype=numpy.float16)
    check("search: float16", lambda: _found(client.search(NAME, [half], anns_field="half", limit=1)), [key(123)])
    check(
        "search: bfloat16",
        lambda: client.search(NAME, [target], anns_field="brain", limit=1)[0][0]["distance"],
        max(float(numpy.dot(target, dense(number))) for number in left()),
    )
    check("search: binary", lambda: _found(client.search(NAME, [row(77)["bits"]], anns_field="bits", limit=1)), [key(77)])
    check("search: int8", lambda: _found(client.search(NAME, [row(77)["bytes"]], anns_field="bytes", limit=1)), [key(77)])
    check(
        "search: sparse",
        lambda: [
            [hit["key"], hit["distance"]]
            for hit in client.search(NAME, [{7: 2.0, 107: 1.0}], anns_field="sparse", limit=3)[0]
        ],
        [[key(7), 3.25], [key(57), 3.25], [key(107), 3.25]],
    )


def _hybrid(client):
    def requests():
        return [
            AnnSearchRequest([dense(60)], "dense", {"metric_type": "L2", "params": {"ef": 100}}, limit=20),
            AnnSearchRequest([{11: 2.0, 101: 1.0}], "sparse", {"metric_type": "IP"}, limit=20, expr="rank in [61, 62]"),
        ]

    def hits(ranker):
        return client.hybrid_search(NAME, requests(), ranker, limit=2, output_fields=["rank"])[0]

    check("hybrid: RRF has both firsts", lambda: sorted(hit["entity"]["rank"] for hit in hits(RRFRanker(60))), [60, 61])
    check("hybrid: RRF scores", lambda: [hit["distance"] for hit in hits(RRFRanker(60))], [1 / 61, 1 / 61])
    check("hybrid: weights prefer", lambda: hits(WeightedRanker(0.01, 0.99))[0]["entity"]["rank"], 61)
    check("hybrid: weights prefer the other", lambda: hits(WeightedRanker(0.99, 0.01))[0]["entity"]["rank"], 60)
    rerank = Function(name="rrf", input_field_names=[], function_type=FunctionType.RERANK, params={"reranker": "rrf", "k": 100})
    check("hybrid: a rerank function", lambda: [hit["distance"] for hit in hits(rerank)], [1 / 101, 1 / 101])
    decay = Function(
        name="near",
        input_field_names=["small"],
        function_type=FunctionType.RERANK,
        params={"reranker": "decay", "function": "gauss", "origin": -9000, "scale": 10, "offset": 0, "decay": 0.5},
    )
    check(
        "search: a decay ranker",
        lambda: client.search(NAME, [dense(60)], anns_field="dense", limit=1, ranker=decay, output_fields=["rank"])[0][0]["entity"],
        {"rank": 60},
    )


def after(client):
    unchanged(client)
    check(
        "types: after a restart new rows go in",
        lambda: [
            client.insert(NAME, [row(1000)])["insert_count"],
            [read_back(found) for found in client.get(NAME, key(1000))],
            client.delete(NAME, ids=key(1000))["delete_count"],
        ],
        [1, [row(1000)], 1],
    )
    _bad_rows(client)


def _bad_rows(client):
    """What the client lets through and the server refuses: nothing of it may be stored."""

    def insert(change):
        return lambda: client.insert(NAME, [row(2000), {**row(2001), **change}])

    fails("bad: a text that is too long", insert({"key": "x" * 33}), 1100, "exceeds max length")
    fails("bad: too many elements", insert({"flags": [True] * 5}), 1100, "exceeds max capacity")
    fails("bad: a number out of range", insert({"tiny": 200}), 1100, "out of range: [-128, 127]")
    fails(
        "bad: an unknown partition",
        lambda: client.insert(NAME, [row(2000)], partition_name="nowhere"),
        200,
        "partition not found",
    )
    fails("bad: an unknown collection", lambda: client.insert("nothing", [row(1)]), 100, "can't find collection")
    fails("bad: a filter", lambda: client.query(NAME, filter="rank >", output_fields=["key"]), 1100, "cannot parse expression")
    fails("bad: an unknown field", lambda: client.search(NAME, [dense(1)], anns_field="nofield"), 1100, "nofield")
    fails(
        "bad: a vector of another dimension",
        lambda: client.search(NAME, [[1.0, 2.0]], anns_field="dense"),
        1100,
        "vector dimension mismatch",
    )
    fails(
        "bad: another metric",
        lambda: client.search(NAME, [dense(1)], anns_field="dense", search_params={"metric_type": "IP"}),
        1100,
        "metric type not match",
    )
    fails("bad: a limit of zero", lambda: client.search(NAME, [dense(1)], anns_field="dense", limit=0), 1, "limit")
    fails(
        "bad: a merge of a new key without its vectors",
        lambda: client.upsert(NAME, [{"key": "new", "body": "x"}], partial_update=True),
        1100,
        "has no corresponding fieldData pass in",
    )
    fails(
        "not here: a search by text says so",
        lambda: client.search(NAME, ["number123"], anns_field="words", limit=5),
        3000,
        "search by text",
    )
    fails(
        "not here: a filter by text says so",
        lambda: client.query(NAME, filter="text_match(body, 'orchard')", output_fields=["key"]),
        1100,
        "text_match is not supported yet",
    )
    check("bad: nothing of it was stored", lambda: client.get(NAME, [key(2000), key(2001), "new"]), [])
