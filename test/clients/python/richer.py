"""Geometry, arrays of structs, users and roles, and iterators over rows that score alike."""

from pymilvus import DataType

from tap import check, does, fails

PLACES = "places"
BOOKS = "books_of_chunks"
TIES = "ties"


def _place(number):
    return {"id": number, "vector": [float(number), 1.0], "at": None if number == 3 else f"POINT ({number} {number})"}


def _chunk(number, page):
    return {"text": f"chunk {number} {page}", "page": page, "meaning": [float(number), float(page)]}


def _book(number):
    return {"id": number, "vector": [float(number), 1.0], "chunks": [_chunk(number, page) for page in range(number % 3)]}


def _create_places(client):
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    schema.add_field("at", DataType.GEOMETRY, nullable=True)
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type="L2")
    indexes.add_index("at", index_type="RTREE")
    client.create_collection(PLACES, schema=schema, index_params=indexes)
    client.insert(PLACES, [_place(number) for number in range(6)])


def _create_books(client):
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    chunk = client.create_struct_field_schema()
    chunk.add_field("text", DataType.VARCHAR, max_length=100)
    chunk.add_field("page", DataType.INT64)
    chunk.add_field("meaning", DataType.FLOAT_VECTOR, dim=2)
    schema.add_field("chunks", datatype=DataType.ARRAY, element_type=DataType.STRUCT, struct_schema=chunk, max_capacity=10)
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type="L2")
    client.create_collection(BOOKS, schema=schema, index_params=indexes)
    client.insert(BOOKS, [_book(number) for number in range(6)])


def before(client):
    does("geometry: a collection with places", lambda: _create_places(client))
    does("structs: a collection with chunks", lambda: _create_books(client))
    does("ties: a hundred rows with ten scores", lambda: (
        client.create_collection(TIES, dimension=2, metric_type="L2"),
        client.insert(TIES, [{"id": number, "vector": [float(number // 10), 0.0]} for number in range(100)]),
    ))
    does("users: one with a role", lambda: (
        client.create_user("reader_user", "secret12"),
        client.create_role("reader_role"),
        client.grant_privilege_v2("reader_role", "Search", "*", "default"),
        client.grant_role("reader_user", "reader_role"),
    ))
    unchanged(client)


def unchanged(client):
    def query(name, filter, *fields):
        return [dict(found) for found in client.query(name, filter=filter, output_fields=list(fields))]

    check(
        "geometry: every value",
        lambda: query(PLACES, "id >= 0", "*"),
        [_place(number) for number in range(6)],
    )
    check(
        "geometry: within",
        lambda: [found["id"] for found in query(PLACES, "st_within(at, 'POLYGON ((0 0, 0 3, 3 3, 3 0, 0 0))')", "id")],
        [1, 2],
    )
    check(
        "geometry: a filtered search",
        lambda: [
            hit["entity"]["at"]
            for hit in client.search(PLACES, [[0.0, 1.0]], limit=2, filter="st_intersects(at, 'POINT (2 2)')", output_fields=["at"])[0]
        ],
        ["POINT (2 2)"],
    )
    check("structs: every value", lambda: query(BOOKS, "id >= 0", "*"), [_book(number) for number in range(6)])
    check(
        "structs: one sub-field",
        lambda: query(BOOKS, "id == 2", "chunks[text]"),
        [{"id": 2, "chunks": [{"text": "chunk 2 0"}, {"text": "chunk 2 1"}]}],
    )
    check(
        "structs: a filter on elements",
        lambda: [found["id"] for found in query(BOOKS, "MATCH_ANY(chunks, $[page] == 1)", "id")],
        [2, 5],
    )
    check("ties: a search iterator has every row once", lambda: sorted(_all_hits(client)), list(range(100)))
    check(
        "users: described",
        lambda: [client.describe_user("reader_user")["roles"], client.describe_role("reader_role")["privileges"][0]["privilege"]],
        [["reader_role"], "Search"],
    )


def _all_hits(client):
    pages = client.search_iterator(TIES, [[0.0, 0.0]], batch_size=7)
    found = []
    while page := pages.next():
        found.extend(hit.id for hit in page)
    pages.close()
    return found


def after(client):
    unchanged(client)
    check(
        "structs: a merge replaces the chunks",
        lambda: [
            client.upsert(BOOKS, [{"id": 2, "chunks": [_chunk(9, 9)]}], partial_update=True)["upsert_count"],
            client.get(BOOKS, [2])[0]["chunks"],
        ],
        [1, [_chunk(9, 9)]],
    )
    fails(
        "bad: a geometry that is none",
        lambda: client.insert(PLACES, [{**_place(9), "at": "POINT (a)"}]),
        1100,
        "invalid Geometry data",
    )
    fails(
        "bad: a text in a chunk that is too long",
        lambda: client.insert(BOOKS, [{**_book(9), "chunks": [{**_chunk(1, 1), "text": "x" * 200}]}]),
        1100,
        "exceeds max length",
    )
    does("users: another password", lambda: client.update_password("reader_user", "secret12", "secret34"))
    does("users: the role and the user go", lambda: (
        client.revoke_role("reader_user", "reader_role"),
        client.revoke_privilege_v2("reader_role", "Search", "*", "default"),
        client.drop_role("reader_role"),
        client.drop_user("reader_user"),
    ))
    check("users: they are gone", lambda: "reader_user" in client.list_users() or "reader_role" in client.list_roles(), False)
    for name in (PLACES, BOOKS, TIES):
        client.drop_collection(name)
