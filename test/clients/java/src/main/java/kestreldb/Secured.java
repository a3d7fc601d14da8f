package kestreldb;

import static kestreldb.Tap.check;
import static kestreldb.Tap.does;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.milvus.v2.client.ConnectConfig;
import io.milvus.v2.client.MilvusClientV2;
import io.milvus.v2.common.DataType;
import io.milvus.v2.common.IndexParam;
import io.milvus.v2.service.collection.request.AddFieldReq;
import io.milvus.v2.service.collection.request.CreateCollectionReq;
import io.milvus.v2.service.rbac.request.CreateRoleReq;
import io.milvus.v2.service.rbac.request.CreateUserReq;
import io.milvus.v2.service.rbac.request.DropRoleReq;
import io.milvus.v2.service.rbac.request.DropUserReq;
import io.milvus.v2.service.rbac.request.GrantPrivilegeReq;
import io.milvus.v2.service.rbac.request.GrantPrivilegeReqV2;
import io.milvus.v2.service.rbac.request.GrantRoleReq;
import io.milvus.v2.service.rbac.request.RevokePrivilegeReq;
import io.milvus.v2.service.rbac.request.RevokePrivilegeReqV2;
import io.milvus.v2.service.rbac.request.RevokeRoleReq;
import io.milvus.v2.service.rbac.request.UpdatePasswordReq;
import io.milvus.v2.service.vector.request.QueryReq;
import io.milvus.v2.service.vector.request.SearchReq;
import io.milvus.v2.service.vector.request.UpsertReq;
import io.milvus.v2.service.vector.request.data.FloatVec;
import java.util.List;

/** Against a server that asks for logins and speaks TLS: who comes in, and what a role lets one do. */
final class Secured {
  private static final String NAME = "secured";

  private Secured() {}

  /** A client that trusts the server's certificate and no other. */
  private static MilvusClientV2 login(String user, String password) {
    return new MilvusClientV2(
        ConnectConfig.builder()
            .uri(System.getenv("KESTREL_URI"))
            .username(user)
            .password(password)
            .secure(true)
            .serverPemPath(System.getenv("KESTREL_CA"))
            .serverName("localhost")
            .connectTimeoutMs(10_000)
            .build());
  }

  /** The call throws something with this phrase. */
  private static void refused(String what, Tap.Act call, String phrase) {
    check(
        what,
        () -> {
          try {
            call.run();
            return "no exception";
          } catch (Exception error) {
            return String.valueOf(error.getMessage()).contains(phrase) ? phrase : error.toString();
          }
        },
        phrase);
  }

  private static List<JsonObject> rows() {
    return List.of(
        JsonParser.parseString("{\"id\": 1, \"vector\": [0, 1]}").getAsJsonObject(),
        JsonParser.parseString("{\"id\": 2, \"vector\": [1, 0]}").getAsJsonObject());
  }

  private static Object search(MilvusClientV2 client) {
    SearchReq request =
        SearchReq.builder().collectionName(NAME).topK(1).data(List.of(new FloatVec(new float[] {1, 0}))).build();
    return client.search(request).getSearchResults().get(0).get(0).getId();
  }

  private static void create(MilvusClientV2 client) {
    CreateCollectionReq.CollectionSchema schema = client.createSchema();
    schema.addField(AddFieldReq.builder().fieldName("id").dataType(DataType.Int64).isPrimaryKey(true).build());
    schema.addField(AddFieldReq.builder().fieldName("vector").dataType(DataType.FloatVector).dimension(2).build());
    IndexParam index =
        IndexParam.builder()
            .fieldName("vector")
            .indexType(IndexParam.IndexType.AUTOINDEX)
            .metricType(IndexParam.MetricType.L2)
            .build();
    client.createCollection(
        CreateCollectionReq.builder().collectionName(NAME).collectionSchema(schema).indexParams(List.of(index)).build());
  }

  static void run() {
    refused("login: a wrong password", () -> login("root", "wrong"), "auth check failure");
    refused("login: an unknown user", () -> login("nobody", "Milvus"), "auth check failure");
    MilvusClientV2 root = login("root", "Milvus");
    does("login: root over TLS, the certificate checked", () -> root.listCollections());
    does("root creates a collection", () -> create(root));
    check(
        "root upserts",
        () -> root.upsert(UpsertReq.builder().collectionName(NAME).data(rows()).build()).getUpsertCnt(),
        2);
    does(
        "a user with a role",
        () -> {
          root.createUser(CreateUserReq.builder().userName("reader").password("secret-1").build());
          root.createRole(CreateRoleReq.builder().roleName("reading").build());
          root.grantRole(GrantRoleReq.builder().userName("reader").roleName("reading").build());
        });
    MilvusClientV2 reader = login("reader", "secret-1");
    refused("without a privilege: no search", () -> search(reader), "PrivilegeSearch");
    does(
        "granted, by both kinds of call",
        () -> {
          root.grantPrivilege(
              GrantPrivilegeReq.builder()
                  .roleName("reading")
                  .objectType("Collection")
                  .objectName(NAME)
                  .privilege("Query")
                  .build());
          root.grantPrivilegeV2(
              GrantPrivilegeReqV2.builder()
                  .roleName("reading")
                  .privilege("Search")
                  .dbName("default")
                  .collectionName(NAME)
                  .build());
        });
    check("with it: the search", () -> search(reader), 2);
    check(
        "and the query",
        () -> reader.query(QueryReq.builder().collectionName(NAME).filter("id > 0").build()).getQueryResults().size(),
        2);
    refused(
        "but no upsert",
        () -> reader.upsert(UpsertReq.builder().collectionName(NAME).data(rows()).build()),
        "PrivilegeUpsert");
    does(
        "the password is changed",
        () ->
            root.updatePassword(
                UpdatePasswordReq.builder().userName("reader").password("secret-1").newPassword("secret-2").build()));
    refused("login: the old password", () -> login("reader", "secret-1"), "auth check failure");
    does("login: the new password", () -> login("reader", "secret-2").close());
    does(
        "everything is taken back",
        () -> {
          root.revokePrivilege(
              RevokePrivilegeReq.builder()
                  .roleName("reading")
                  .objectType("Collection")
                  .objectName(NAME)
                  .privilege("Query")
                  .build());
          root.revokePrivilegeV2(
              RevokePrivilegeReqV2.builder()
                  .roleName("reading")
                  .privilege("Search")
                  .dbName("default")
                  .collectionName(NAME)
                  .build());
          root.revokeRole(RevokeRoleReq.builder().userName("reader").roleName("reading").build());
          root.dropRole(DropRoleReq.builder().roleName("reading").build());
          root.dropUser(DropUserReq.builder().userName("reader").build());
        });
    check("users that are left", root::listUsers, List.of("root"));
    does("session: closed", root::close);
    does("session: the user's closed", reader::close);
  }
}
