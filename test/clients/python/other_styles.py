"""The other ways into the same server: the asynchronous client, and the older Collection style with columns and frames."""

import asyncio

import pandas
from pymilvus import (
    AnnSearchRequest,
    AsyncMilvusClient,
    Collection,
    CollectionSchema,
    DataType,
    FieldSchema,
    RRFRanker,
    connections,
    db,
    utility,
)

from tap import ADDRESS, URI, check, does, fails

OLD = "old_style"
FRAME = "frame"
ASYNC = "asynchronous"


def before(_client):
    asyncio.run(_asynchronous())
    host, port = ADDRESS.rsplit(":", 1)
    does("orm: connects", lambda: connections.connect("default", host=host, port=port))
    check("orm: databases", lambda: "default" in db.list_database(), True)
    does("orm: creates and fills", _fill)
    check("orm: counts", lambda: Collection(OLD).num_entities, 100)
    unchanged()
    does("orm: a collection of a data frame", _frame)


def unchanged():
    collection = Collection(OLD)
    check(
        "orm: query",
        lambda: [dict(row) for row in collection.query("id in [5, 6]", output_fields=["id", "name", "vector", "score"])],
        [{"id": n, "name": f"name {n}", "vector": [float(n), 0.5], "score": n / 8} for n in (5, 6)],
    )
    check("orm: search", _search, [[5, 0.0], [4, 1.0], [6, 1.0]])
    check("orm: hybrid search", _hybrid, [7])
    check("orm: query iterator", lambda: _iterate(collection.query_iterator(batch_size=30, expr="id < 70")), [30, 30, 10])
    check(
        "orm: search iterator",
        lambda: _iterate(collection.search_iterator([[0.0, 0.5]], "vector", {"metric_type": "L2"}, batch_size=40, limit=100)),
        [40, 40, 20],
    )
    check("orm: its schema", lambda: [field.name for field in collection.schema.fields], ["id", "name", "score", "vector"])
    check("orm: its indexes", lambda: [index.params["index_type"] for index in collection.indexes], ["IVF_FLAT"])


def _fill():
    fields = [
        FieldSchema("id", DataType.INT64, is_primary=True),
        FieldSchema("name", DataType.VARCHAR, max_length=20),
        FieldSchema("score", DataType.DOUBLE),
        FieldSchema("vector", DataType.FLOAT_VECTOR, dim=2),
    ]
    collection = Collection(OLD, CollectionSchema(fields, "columns"), consistency_level="Strong")
    numbers = list(range(99))
    collection.insert([numbers, [f"name {n}" for n in numbers], [n / 8 for n in numbers], [[float(n), 0.5] for n in numbers]])
    collection.upsert([[98, 99], ["name 98", "name 99"], [98 / 8, 99 / 8], [[98.0, 0.5], [99.0, 0.5]]])
    collection.flush()
    collection.create_index("vector", {"index_type": "IVF_FLAT", "metric_type": "L2", "params": {"nlist": 8}})
    utility.wait_for_index_building_complete(OLD)
    collection.load()
    utility.wait_for_loading_complete(OLD)
    assert utility.has_collection(OLD) and OLD in utility.list_collections()
    assert utility.loading_progress(OLD)["loading_progress"] == "100%"
    assert utility.index_building_progress(OLD)["pending_index_rows"] == 0


def _search():
    hits = Collection(OLD).search([[5.0, 0.5]], "vector", {"metric_type": "L2", "params": {"nprobe": 8}}, limit=3)[0]
    return [[hit.id, hit.distance] for hit in hits]


def _hybrid():
    requests = [AnnSearchRequest([[7.0, 0.5]], "vector", {"metric_type": "L2"}, limit=5) for _ in range(2)]
    return [hit.id for hit in Collection(OLD).hybrid_search(requests, RRFRanker(), limit=1)[0]]


def _iterate(iterator):
    sizes = []
    while page := iterator.next():
        sizes.append(len(page))
    iterator.close()
    return sizes


def _frame():
    frame = pandas.DataFrame({"id": [1, 2, 3], "price": [1.5, 2.5, 3.5], "vector": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]})
    collection, result = Collection.construct_from_dataframe(FRAME, frame, primary_field="id")
    assert result.insert_count == 3
    collection.create_index("vector", {"index_type": "FLAT", "metric_type": "L2"})
    collection.load()
    more = pandas.DataFrame({"id": [4], "price": [4.5], "vector": [[7.0, 8.0]]})
    assert collection.insert(more).insert_count == 1
    found = collection.query("price > 2", output_fields=["id", "price"])
    assert [(row["id"], row["price"]) for row in found] == [(2, 2.5), (3, 3.5), (4, 4.5)], found


async def _asynchronous():
    client = AsyncMilvusClient(uri=URI)
    await client.create_collection(ASYNC, dimension=2)
    counts = await asyncio.gather(
        *(client.insert(ASYNC, [{"id": number, "vector": [1.0, float(number)]}]) for number in range(20))
    )
    check("async: twenty inserts at once", lambda: sum(count["insert_count"] for count in counts), 20)
    await asyncio.gather(
        *(client.upsert(ASYNC, [{"id": 0, f"key{number}": number}], partial_update=True) for number in range(20))
    )
    merged = await client.get(ASYNC, [0])
    check(
        "async: twenty merges at once lose nothing",
        lambda: dict(merged[0]),
        {"id": 0, "vector": [1.0, 0.0], **{f"key{number}": number for number in range(20)}},
    )
    found = await client.search(ASYNC, [[1.0, 0.0]], limit=1)
    check("async: search", lambda: found[0][0]["id"], 0)
    rows = await client.query(ASYNC, filter="id >= 18")
    check("async: query", lambda: [row["id"] for row in rows], [18, 19])
    await client.close()


def after(client):
    host, port = ADDRESS.rsplit(":", 1)
    does("orm: connects again", lambda: connections.connect("default", host=host, port=port))
    unchanged()
    check("orm: the frame is there", lambda: Collection(FRAME).num_entities, 4)
    check("async: the merged row is there", lambda: len(client.get(ASYNC, [0])[0]), 22)
    check(
        "orm: delete and count",
        lambda: [(found := Collection(OLD)).delete("id >= 90").delete_count, len(found.query("id > 80", output_fields=["id"]))],
        [10, 9],
    )
    fails("orm: an unknown collection", lambda: Collection("nothing"), 1, "not exist")
    for name in (OLD, FRAME, ASYNC):
        utility.drop_collection(name)
    check("orm: dropped", lambda: utility.has_collection(OLD), False)
