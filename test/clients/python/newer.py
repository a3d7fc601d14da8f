"""What newer servers have: nullable vectors, points in time, long texts, ordered and grouped queries, fields that go."""

from pymilvus import DataType

from tap import check, does, fails

NAME = "newer"


def _create(client):
    schema = client.create_schema(enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=2, nullable=True)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR, nullable=True)
    schema.add_field("at", DataType.TIMESTAMPTZ, nullable=True)
    schema.add_field("team", DataType.INT64)
    schema.add_field("story", DataType.TEXT, nullable=True)
    schema.add_field("label", DataType.VARCHAR, max_length=8, default_value="none")
    indexes = client.prepare_index_params()
    indexes.add_index("dense", index_type="HNSW", metric_type="L2", M=8, efConstruction=50)
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    client.create_collection(NAME, schema=schema, index_params=indexes)


def _row(number):
    return {
        "id": number,
        "dense": None if number % 2 else [float(number), 1.0],
        "sparse": None if number % 3 else {1: number + 0.5},
        "at": None if number == 5 else f"2026-01-0{number + 1}T00:00:00Z",
        "team": number % 3,
        "story": "long " * number * 1000,
    }


def _stored(number):
    return {**_row(number), "label": "none"}


def before(client):
    does("newer: the collection is created", lambda: _create(client))
    check("newer: insert", lambda: client.insert(NAME, [_row(number) for number in range(6)])["insert_count"], 6)
    unchanged(client)


def unchanged(client):
    def query(**more):
        return [dict(found) for found in client.query(NAME, **more)]

    check(
        "newer: every value, with null vectors and a default",
        lambda: query(filter="", limit=10, output_fields=["*"]),
        [_stored(number) for number in range(6)],
    )
    check(
        "newer: a search passes over null vectors",
        lambda: [hit["id"] for hit in client.search(NAME, [[0.0, 1.0]], anns_field="dense", limit=10)[0]],
        [0, 2, 4],
    )
    check(
        "newer: hits carry null vectors of other fields",
        lambda: [
            hit["entity"]["sparse"]
            for hit in client.search(NAME, [[0.0, 1.0]], anns_field="dense", limit=2, output_fields=["sparse"])[0]
        ],
        [{1: 0.5}, None],
    )
    check(
        "newer: points in time, in a time zone",
        lambda: query(filter="at > ISO '2026-01-03T00:00:00Z'", output_fields=["at"], timezone="Asia/Tokyo"),
        [{"id": 3, "at": "2026-01-04T09:00:00+09:00"}, {"id": 4, "at": "2026-01-05T09:00:00+09:00"}],
    )
    check(
        "newer: rows in order of a field",
        lambda: [
            found["id"]
            for found in query(filter="", limit=6, output_fields=["id"], order_by_fields=[{"field": "team", "order": "desc"}])
        ],
        [2, 5, 1, 4, 0, 3],
    )
    check(
        "newer: groups counted and summed",
        lambda: query(filter="", group_by_fields=["team"], output_fields=["team", "count(*)", "sum(id)", "max(id)"]),
        [{"team": team, "count(*)": 2, "sum(id)": 2 * team + 3, "max(id)": team + 3} for team in range(3)],
    )


def after(client):
    unchanged(client)
    check(
        "newer: a merge gives and takes a vector",
        lambda: [
            client.upsert(NAME, [{"id": 1, "dense": [9.0, 9.0]}, {"id": 2, "dense": None}], partial_update=True)["upsert_count"],
            [found["dense"] for found in client.get(NAME, [1, 2], output_fields=["dense"])],
        ],
        [2, [[9.0, 9.0], None]],
    )
    does("fields: a longer text", lambda: client.alter_collection_field(NAME, "label", {"max_length": 100}))
    check(
        "fields: it fits now",
        lambda: client.upsert(NAME, [{"id": 1, "label": "x" * 50}], partial_update=True)["upsert_count"],
        1,
    )
    does("fields: one is dropped", lambda: (client.release_collection(NAME), client.drop_collection_field(NAME, "story"), client.load_collection(NAME)))
    check(
        "fields: it is gone from the rows",
        lambda: sorted(client.get(NAME, [3])[0]),
        ["at", "dense", "id", "label", "sparse", "team"],
    )
    fails(
        "bad: a field that was dropped",
        lambda: client.insert(NAME, [{**_row(7), "dense": [float("nan"), 1.0], "label": "x"}]),
        1,
        "story",
    )
    fails(
        "bad: a vector that is not a number",
        lambda: client.insert(NAME, [{"id": 7, "team": 1, "dense": [float("nan"), 1.0]}]),
        1100,
        "is not a number or infinity",
    )
    fails(
        "bad: the same key twice in an upsert",
        lambda: client.upsert(NAME, [{"id": 8, "team": 1}, {"id": 8, "team": 2}]),
        1100,
        "duplicate primary keys are not allowed",
    )
    fails(
        "bad: a limit that is too large",
        lambda: client.query(NAME, filter="", limit=20000),
        1100,
        "should be in range [1, 16384]",
    )
    fails("bad: neither filter nor limit", lambda: client.query(NAME, filter=""), 1100, "empty expression should be used with limit")
    check("bad: the rows are as they were", lambda: [found["id"] for found in client.query(NAME, filter="id >= 0")], list(range(6)))
    client.drop_collection(NAME)
