"""Against a server that asks for logins and speaks TLS: who comes in, and what a role lets one do."""

import os

from pymilvus import DataType, MilvusClient, __version__

from tap import URI, check, does, fails, finish

CA = os.environ["KESTREL_CA"]
ROWS = [{"id": 1, "vector": [0.0, 1.0]}, {"id": 2, "vector": [1.0, 0.0]}]


def login(user, password):
    return MilvusClient(uri=URI, user=user, password=password, secure=True, server_pem_path=CA, server_name="localhost", timeout=5)


def create(client):
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="AUTOINDEX", metric_type="L2")
    client.create_collection("secured", schema=schema, index_params=index)


def refused(what, call, phrase):
    """`call` is refused for want of a privilege, however the client wraps that."""
    try:
        found = call()
    except Exception as error:
        check(what, lambda: phrase if phrase in str(error) else str(error), phrase)
        return
    check(what, lambda: found, phrase)


def search(client):
    hits = client.search("secured", [[1.0, 0.0]], limit=1)
    return [hit["id"] for hit in hits[0]]


print(f"# version pymilvus {__version__}")
refused("login: a wrong password", lambda: login("root", "wrong"), "illegal connection params")
refused("login: an unknown user", lambda: login("nobody", "Milvus"), "illegal connection params")
root = does("login: root over TLS, the certificate checked", lambda: login("root", "Milvus"))
does("root creates a collection", lambda: create(root))
check("root upserts", lambda: root.upsert("secured", ROWS)["upsert_count"], 2)
does("a user", lambda: root.create_user("reader", "secret-1"))
does("a role", lambda: root.create_role("reading"))
does("the user gets the role", lambda: root.grant_role("reader", "reading"))
fails("a user there is already", lambda: root.create_user("reader", "secret-1"), 65535, "user already exists: reader")
reader = does("login: the user", lambda: login("reader", "secret-1"))
refused("without a privilege: no search", lambda: search(reader), "PrivilegeSearch")
does("granted", lambda: root.grant_privilege("reading", "Collection", "Query", "secured"))
does("granted, scoped", lambda: root.grant_privilege_v2("reading", "Search", "secured", db_name="default"))
check("with it: the search", lambda: search(reader), [2])
check("and the query", lambda: len(reader.query("secured", "id > 0")), 2)
refused("but no upsert", lambda: reader.upsert("secured", ROWS), "PrivilegeUpsert")
refused("and no new user", lambda: reader.create_user("other", "secret-1"), "PrivilegeCreateOwnership")
does("the password is changed", lambda: root.update_password("reader", "secret-1", "secret-2"))
# The client keeps a connection per user: it is the next call on it that is refused.
refused("login: the old password", lambda: search(login("reader", "secret-1")), "auth check failure")
check("login: the new password", lambda: search(login("reader", "secret-2")), [2])
does("taken back", lambda: root.revoke_privilege("reading", "Collection", "Query", "secured"))
does("taken back, scoped", lambda: root.revoke_privilege_v2("reading", "Search", "secured", db_name="default"))
does("the role is taken", lambda: root.revoke_role("reader", "reading"))
does("the role is dropped", lambda: root.drop_role("reading"))
does("the user is dropped", lambda: root.drop_user("reader"))
check("users that are left", root.list_users, ["root"])
finish()
