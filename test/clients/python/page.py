"""The examples of the page "Upsert Entities", what each must print, and what they leave behind."""

from pymilvus import DataType

from tap import check, does

NAME = "my_collection"

FIRST = [
    {
        "id": 0,
        "vector": [-0.619954382375778, 0.4479436794798608, -0.17493894838751745, -0.4248030059917294, -0.8648452746018911],
        "title": "Artificial Intelligence in Real Life",
        "issue": "vol.12",
    },
    {
        "id": 1,
        "vector": [0.4762662251462588, -0.6942502138717026, -0.4490002642657902, -0.628696575798281, 0.9660395877041965],
        "title": "Hollow Man",
        "issue": "vol.19",
    },
    {
        "id": 2,
        "vector": [-0.8864122635045097, 0.9260170474445351, 0.801326976181461, 0.6383943392381306, 0.7563037341572827],
        "title": "Treasure Hunt in Missouri",
        "issue": "vol.12",
    },
]

IN_PARTITION = [
    {
        "id": 10,
        "vector": [0.06998888224297328, 0.8582816610326578, -0.9657938677934292, 0.6527905683627726, -0.8668460657158576],
        "title": "Layour Design Reference",
        "issue": "vol.34",
    },
    {
        "id": 11,
        "vector": [0.6060703043917468, -0.3765080534566074, -0.7710758854987239, 0.36993888322346136, 0.5507513364206531],
        "title": "Doraemon and His Friends",
        "issue": "vol.2",
    },
    {
        "id": 12,
        "vector": [-0.9041813104515337, -0.9610546012461163, 0.20033003106083358, 0.11842506351635174, 0.8327356724591011],
        "title": "Pikkachu and Pokemon",
        "issue": "vol.12",
    },
]

MERGE = [{"id": 3, "issue": "vol.14"}, {"id": 12, "issue": "vol.7"}]

# The merge of the page names rows 3 and 12 and no partition: it reads the default partition, so both are there before.
# Row 12 of the page's second example lives in partitionA and is another copy.
ROW_3 = {"id": 3, "vector": [0.1, 0.2, 0.3, 0.4, 0.5], "title": "There Before", "issue": "vol.3"}
ROW_12 = {"id": 12, "vector": [0.5, 0.4, 0.3, 0.2, 0.1], "title": "There As Well", "issue": "vol.12"}

DEFAULT_AT_THE_END = [*FIRST, {**ROW_3, "issue": "vol.14"}, {**ROW_12, "issue": "vol.7"}]
PARTITION_AT_THE_END = IN_PARTITION


def _create(client):
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=5)
    schema.add_field("title", DataType.VARCHAR, max_length=512)
    schema.add_field("issue", DataType.VARCHAR, max_length=64, nullable=True)
    index_params = client.prepare_index_params()
    index_params.add_index("vector", index_type="AUTOINDEX", metric_type="COSINE")
    client.create_collection(NAME, schema=schema, index_params=index_params)
    client.create_partition(NAME, "partitionA")
    client.insert(NAME, [ROW_3, ROW_12])


def _counted(result):
    """What the page prints. Newer clients also print the ids that the server answers."""
    printed = str({"upsert_count": result["upsert_count"]})
    return printed, list(result["ids"])


def _rows(client, partition, filter="id >= 0"):
    fields = ["id", "vector", "title", "issue"]
    return client.query(NAME, filter=filter, output_fields=fields, partition_names=[partition])


def before(client):
    does("page: the collection is created with partitionA", lambda: _create(client))
    check(
        "page: upsert entities in a collection",
        lambda: _counted(client.upsert(collection_name="my_collection", data=FIRST)),
        ["{'upsert_count': 3}", [0, 1, 2]],
    )
    check(
        "page: upsert entities in a partition",
        lambda: _counted(
            client.upsert(collection_name="my_collection", data=IN_PARTITION, partition_name="partitionA")
        ),
        ["{'upsert_count': 3}", [10, 11, 12]],
    )
    check(
        "page: upsert entities in merge mode",
        lambda: _counted(client.upsert(collection_name="my_collection", data=MERGE, partial_update=True)),
        ["{'upsert_count': 2}", [3, 12]],
    )
    unchanged(client)


def unchanged(client):
    """Every value that the examples left behind, by query, by get and by search."""
    check("page: every value of the collection", lambda: _rows(client, "_default"), DEFAULT_AT_THE_END)
    check("page: every value of partitionA", lambda: _rows(client, "partitionA"), PARTITION_AT_THE_END)
    check("page: get answers the newest copy", lambda: client.get(NAME, [12])[0]["issue"], "vol.7")
    check(
        "page: the nearest row is the row itself",
        lambda: [
            [hit["id"], hit["distance"], hit["entity"]["title"]]
            for hit in client.search(NAME, [FIRST[1]["vector"]], limit=1, output_fields=["title"])[0]
        ],
        [[1, 1.0, "Hollow Man"]],
    )


def after(client):
    unchanged(client)
    check(
        "page: after a restart the upserts of the page run again",
        lambda: [
            client.upsert(NAME, FIRST)["upsert_count"],
            client.upsert(NAME, IN_PARTITION, partition_name="partitionA")["upsert_count"],
            client.upsert(NAME, MERGE, partial_update=True)["upsert_count"],
        ],
        [3, 3, 2],
    )
    check(
        "page: a merge that names the partition changes the copy in it",
        lambda: [
            client.upsert(NAME, [{"id": 12, "issue": "vol.8"}], partition_name="partitionA", partial_update=True)[
                "upsert_count"
            ],
            _rows(client, "partitionA", "id == 12")[0]["issue"],
            _rows(client, "_default", "id == 12")[0]["issue"],
        ],
        [1, "vol.8", "vol.7"],
    )
    notes(client)


def notes(client):
    """The special notes of the page: nulls and dynamic keys, in both modes."""
    whole = {"id": 20, "vector": [1.0, 2.0, 3.0, 4.0, 5.0], "title": "Notes", "issue": "vol.1"}
    dynamic = {"author": "John", "year": 2020, "tags": ["fiction"]}
    plain = {key: whole[key] for key in ("id", "vector", "title")}

    def stored(row, **options):
        client.upsert(NAME, [row], **options)
        return client.get(NAME, [20])[0]

    check("page: dynamic keys are stored", lambda: stored({**whole, **dynamic}), {**whole, **dynamic})
    check(
        "page: a merge keeps the issue and merges dynamic keys",
        lambda: stored({"id": 20, "author": "Jane", "genre": "fantasy"}, partial_update=True),
        {**whole, **dynamic, "author": "Jane", "genre": "fantasy"},
    )
    check(
        "page: override without the issue makes it null and drops the dynamic keys",
        lambda: stored({**plain, "author": "Jane", "genre": "fantasy"}),
        {**whole, "issue": None, "author": "Jane", "genre": "fantasy"},
    )
    check("page: the row is deleted again", lambda: dict(client.delete(NAME, ids=[20])), {"delete_count": 1, "cost": 0})
