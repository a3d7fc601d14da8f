"""The calls around the rows: partitions, aliases, databases, indexes, loading, properties, fields, and wrong uses."""

from pymilvus import DataType, MilvusClient

from tap import URI, check, does, fails

PARTS = "parts"
QUICK = "quick"
LIBRARY = "library"


def _vector(number):
    return [float(number), 1.0]


def _rows(numbers):
    return [{"id": number, "vector": _vector(number), "note": f"n{number}"} for number in numbers]


def before(client):
    _session(client)
    _quick(client)
    _partitions(client)
    _aliases(client)
    _databases(client)
    _loading(client)
    _indexes(client)
    _properties(client)
    unchanged(client)


def unchanged(client):
    check(
        "calls: the collections are there",
        lambda: sorted({PARTS, QUICK, "all_types", "my_collection"} & set(client.list_collections())),
        ["all_types", "my_collection", PARTS, QUICK],
    )
    check("partitions: their names", lambda: sorted(client.list_partitions(PARTS)), ["_default", "east", "west"])
    check(
        "partitions: rows of one",
        lambda: [row["id"] for row in client.query(PARTS, filter="", limit=10, partition_names=["west"])],
        [2, 3],
    )
    check("partitions: rows counted", lambda: client.get_partition_stats(PARTS, "west"), {"row_count": 2})
    check("aliases: the alias leads to the rows", lambda: client.get("compass", 4)[0]["note"], "n4")
    check(
        "aliases: described",
        lambda: [client.describe_alias("compass")[name] for name in ("alias", "collection_name")],
        ["compass", PARTS],
    )
    check("aliases: listed", lambda: client.list_aliases(PARTS)["aliases"], ["compass"])
    check("databases: listed", lambda: sorted(client.list_databases()), ["default", LIBRARY])
    check("databases: rows in another one", _in_library, [["books"], [{"id": 1, "vector": [1.0, 1.0], "note": "n1"}]])
    check(
        "indexes: described",
        lambda: {
            name: client.describe_index("all_types", "by_dense")[name]
            for name in ("index_type", "metric_type", "field_name", "M", "efConstruction", "state")
        },
        {
            "index_type": "HNSW",
            "metric_type": "L2",
            "field_name": "dense",
            "M": "16",
            "efConstruction": "100",
            "state": "Finished",
        },
    )
    check(
        "indexes: listed",
        lambda: sorted(client.list_indexes("all_types")),
        sorted(["by_dense", "half", "brain", "bits", "bytes", "sparse", "words", "long", "body"]),
    )
    check("load: loaded", lambda: str(client.get_load_state("all_types")["state"]), "Loaded")
    check("load: released stays released", lambda: str(client.get_load_state("idle")["state"]), "NotLoad")
    check(
        "properties: of the collection",
        lambda: client.describe_collection(QUICK)["properties"].get("collection.ttl.seconds"),
        "86400",
    )
    check(
        "fields: the added one is there",
        lambda: [(row["id"], row["stars"]) for row in client.query(QUICK, filter="id in [1, 50]")],
        [(1, None), (50, 5)],
    )


def _in_library():
    library = MilvusClient(uri=URI, db_name=LIBRARY)
    found = [library.list_collections(), [dict(row) for row in library.query("books", filter="id == 1")]]
    library.close()
    return found


def _session(client):
    check("session: the version looks like Milvus's", lambda: client.get_server_version().lstrip("v")[0] in "23", True)
    check("session: details", lambda: sorted(client.get_server_version(detail=True))[0], "build_time")
    fails("session: an unknown database", lambda: client.use_database("nowhere"), 800, "database not found")


def _quick(client):
    does("quick: a collection of a name and a dimension", lambda: client.create_collection(QUICK, dimension=2))
    check("quick: it exists", lambda: [client.has_collection(QUICK), client.has_collection("nothing")], [True, False])
    check(
        "quick: described",
        lambda: [(field["name"], field["type"], field.get("is_primary", False)) for field in client.describe_collection(QUICK)["fields"]],
        [("id", DataType.INT64, True), ("vector", DataType.FLOAT_VECTOR, False)],
    )
    check("quick: insert", lambda: client.insert(QUICK, _rows(range(10)))["insert_count"], 10)
    check("quick: a dynamic key", lambda: client.get(QUICK, [3], output_fields=["note"]), [{"id": 3, "note": "n3"}])
    does("quick: the same again is no error", lambda: client.create_collection(QUICK, dimension=2))
    fails("quick: another schema is one", lambda: client.create_collection(QUICK, dimension=3), 1100, "different parameters")
    does("names: with text keys and automatic ones", lambda: _automatic(client))


def _automatic(client):
    client.create_collection("texts", dimension=2, id_type="string", max_length=16)
    client.insert("texts", [{"id": "it's", "vector": [0.0, 1.0]}, {"id": 'say "x"', "vector": [1.0, 1.0]}])
    assert [row["id"] for row in client.query("texts", filter="", limit=5)] == ["it's", 'say "x"']
    client.drop_collection("texts")
    client.create_collection("automatic", dimension=2, auto_id=True)
    ids = list(client.insert("automatic", [{"vector": [0.0, 1.0]}, {"vector": [1.0, 1.0]}])["ids"])
    assert len(set(ids)) == 2 and len(client.get("automatic", ids)) == 2, ids
    client.rename_collection("automatic", "renamed")
    assert client.has_collection("renamed") and not client.has_collection("automatic")
    client.truncate_collection("renamed")
    assert client.query("renamed", filter="", output_fields=["count(*)"])[0]["count(*)"] == 0
    client.drop_collection("renamed")
    client.drop_collection("renamed")


def _partitions(client):
    client.create_collection(PARTS, dimension=2, metric_type="L2")
    does("partitions: created", lambda: [client.create_partition(PARTS, name) for name in ("east", "west", "gone")])
    check(
        "partitions: rows go in",
        lambda: [
            client.insert(PARTS, _rows([0, 1]), partition_name="east")["insert_count"],
            client.insert(PARTS, _rows([2, 3]), partition_name="west")["insert_count"],
            client.insert(PARTS, _rows([4, 5]))["insert_count"],
            client.insert(PARTS, _rows([6]), partition_name="gone")["insert_count"],
        ],
        [2, 2, 2, 1],
    )
    check(
        "partitions: a search in one",
        lambda: [hit["id"] for hit in client.search(PARTS, [_vector(0)], limit=9, partition_names=["west"])[0]],
        [2, 3],
    )
    check("partitions: asked for", lambda: [client.has_partition(PARTS, name) for name in ("east", "no")], [True, False])
    fails("partitions: a loaded one is not dropped", lambda: client.drop_partition(PARTS, "gone"), 1100, "release")
    does("partitions: released, then dropped", lambda: (client.release_partitions(PARTS, ["gone"]), client.drop_partition(PARTS, "gone")))
    check("partitions: its rows went", lambda: client.query(PARTS, filter="id == 6"), [])
    check(
        "partitions: by a partition key",
        lambda: _partition_key(client),
        [[0, 3], 9],
    )


def _partition_key(client):
    schema = client.create_schema(num_partitions=4)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("tenant", DataType.VARCHAR, max_length=16, is_partition_key=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type="L2")
    client.create_collection("tenants", schema=schema, index_params=indexes, num_partitions=4)
    client.insert("tenants", [{"id": n, "tenant": f"t{n % 3}", "vector": _vector(n)} for n in range(9)])
    found = [hit["id"] for hit in client.search("tenants", [_vector(0)], limit=2, filter="tenant == 't0'")[0]]
    return [found, client.query("tenants", filter="", output_fields=["count(*)"])[0]["count(*)"]]


def _aliases(client):
    does("aliases: created and moved", lambda: (client.create_alias(QUICK, "compass"), client.alter_alias(PARTS, "compass")))
    fails("aliases: a collection may not have the name", lambda: client.create_collection("compass", dimension=2), 1601, "alias")
    fails("aliases: an unknown one", lambda: client.describe_alias("nobody"), 1600, "alias not found")
    does("aliases: dropped", lambda: (client.create_alias(QUICK, "brief"), client.drop_alias("brief")))


def _databases(client):
    does("databases: created with a property", lambda: client.create_database(LIBRARY, properties={"database.max.collections": 8}))
    check(
        "databases: described",
        lambda: [(found := client.describe_database(LIBRARY))["name"], found["database.max.collections"]],
        [LIBRARY, "8"],
    )
    does("databases: rows go in", lambda: _fill_library())
    does("databases: switched there and back", lambda: (client.use_database(LIBRARY), client.use_database("default")))
    fails("databases: a full one is not dropped", lambda: client.drop_database(LIBRARY), 1100, "not empty")
    does("databases: an empty one is", lambda: (client.create_database("empty"), client.drop_database("empty")))


def _fill_library():
    library = MilvusClient(uri=URI, db_name=LIBRARY)
    library.create_collection("books", dimension=2)
    library.insert("books", _rows([1, 2]))
    library.close()


def _loading(client):
    client.create_collection("idle", dimension=2)
    client.insert("idle", _rows([1]))
    does("load: released", lambda: client.release_collection("idle"))
    fails("load: a released collection is not searched", lambda: client.search("idle", [_vector(1)]), 101, "collection not loaded")
    fails("load: an unknown one", lambda: client.load_collection("nothing"), 100, "can't find collection")
    does("load: loaded, refreshed", lambda: (client.load_collection("idle"), client.refresh_load("idle")))
    check("load: by partition", lambda: _by_partition(client), ["NotLoad", "Loaded"])
    does("load: released again", lambda: client.release_collection("idle"))


def _by_partition(client):
    client.create_partition("idle", "side")
    client.release_collection("idle")
    client.load_partitions("idle", ["side"])
    return [str(client.get_load_state("idle", name)["state"]) for name in ("_default", "side")]


def _indexes(client):
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    client.create_collection("bare", schema=schema)
    check("indexes: none yet", lambda: [client.list_indexes("bare"), client.describe_index("bare", "vector")], [[], None])
    fails("indexes: none, no load", lambda: client.load_collection("bare"), 700, "index not found")

    def create(**options):
        indexes = client.prepare_index_params()
        indexes.add_index("vector", **options)
        return lambda: client.create_index("bare", indexes)

    does("indexes: created", create(index_type="IVF_FLAT", metric_type="L2", params={"nlist": 16}))
    does("indexes: the same again", create(index_type="IVF_FLAT", metric_type="L2", params={"nlist": 16}))
    fails("indexes: a second one", create(index_type="FLAT", metric_type="IP"), 1100, "at most one distinct index is allowed per field")
    does("indexes: dropped, another created", lambda: (client.drop_index("bare", "vector"), create(index_type="HNSW", metric_type="COSINE", M=8, efConstruction=64)()))
    does("indexes: altered", lambda: client.alter_index_properties("bare", "vector", {"mmap.enabled": True}))
    check("indexes: the property shows", lambda: client.describe_index("bare", "vector")["mmap.enabled"], "True")
    does("indexes: property dropped", lambda: client.drop_index_properties("bare", "vector", ["mmap.enabled"]))
    fails("indexes: an unknown type", lambda: (client.drop_index("bare", "vector"), create(index_type="MAGIC", metric_type="L2")()), 1100, "invalid index type")
    client.drop_collection("bare")


def _properties(client):
    does("properties: set", lambda: client.alter_collection_properties(QUICK, {"collection.ttl.seconds": 86400}))
    does("properties: set and dropped", lambda: (client.alter_collection_properties(PARTS, {"collection.ttl.seconds": 5000}), client.drop_collection_properties(PARTS, ["collection.ttl.seconds"])))
    does("fields: added", lambda: client.add_collection_field(QUICK, "stars", DataType.INT64, nullable=True))
    check("fields: rows with it", lambda: client.insert(QUICK, [{**_rows([50])[0], "stars": 5}])["insert_count"], 1)
    fails("fields: it must be nullable", lambda: client.add_collection_field(QUICK, "must", DataType.INT64), 1100, "nullable")
    fails("names: a wrong one", lambda: client.create_collection("1 bad name", dimension=2), 1100, "Invalid collection name")
    fails("names: a wrong dimension", lambda: client.create_collection("dims", dimension=1), 1100, "dimension")


def after(client):
    unchanged(client)
    check(
        "compaction: asked for and over",
        lambda: client.get_compaction_state(client.compact("all_types")) in ("Completed", "Executing"),
        True,
    )
    does("flush: of everything", lambda: client.flush_all())
    check("segments: persistent ones hold the rows", lambda: sum(one.num_rows for one in client.list_persistent_segments(QUICK)), 11)
    does("segments: loaded ones", lambda: client.list_loaded_segments(QUICK))
    check("replicas: one", lambda: len(client.describe_replica(QUICK)), 1)
    check("load: a released collection is loaded again", lambda: (client.load_collection("idle"), client.get("idle", 1)[0]["note"])[1], "n1")
    does("clean: the alias, the database and the collections go", lambda: _clean(client))
    check("clean: they are gone", lambda: [client.has_collection(QUICK), client.list_databases()], [False, ["default"]])


def _clean(client):
    client.drop_alias("compass")
    library = MilvusClient(uri=URI, db_name=LIBRARY)
    library.drop_collection("books")
    library.close()
    client.drop_database(LIBRARY)
    for name in (QUICK, PARTS, "idle", "tenants"):
        client.drop_collection(name)
