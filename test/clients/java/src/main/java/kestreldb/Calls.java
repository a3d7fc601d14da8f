package kestreldb;

import static kestreldb.Page.entitiesOf;
import static kestreldb.Page.json;
import static kestreldb.Tap.check;
import static kestreldb.Tap.does;
import static kestreldb.Tap.fails;

import com.google.gson.JsonObject;
import io.milvus.v2.client.MilvusClientV2;
import io.milvus.v2.common.DataType;
import io.milvus.v2.common.IndexParam;
import io.milvus.v2.common.IndexParam.IndexType;
import io.milvus.v2.common.IndexParam.MetricType;
import io.milvus.v2.service.collection.request.AddCollectionFieldReq;
import io.milvus.v2.service.collection.request.AddFieldReq;
import io.milvus.v2.service.collection.request.AlterCollectionPropertiesReq;
import io.milvus.v2.service.collection.request.CreateCollectionReq;
import io.milvus.v2.service.collection.request.DescribeCollectionReq;
import io.milvus.v2.service.collection.request.DescribeReplicasReq;
import io.milvus.v2.service.collection.request.DropCollectionReq;
import io.milvus.v2.service.collection.request.GetLoadStateReq;
import io.milvus.v2.service.collection.request.HasCollectionReq;
import io.milvus.v2.service.collection.request.LoadCollectionReq;
import io.milvus.v2.service.collection.request.RefreshLoadReq;
import io.milvus.v2.service.collection.request.ReleaseCollectionReq;
import io.milvus.v2.service.collection.request.RenameCollectionReq;
import io.milvus.v2.service.collection.request.TruncateCollectionReq;
import io.milvus.v2.service.collection.response.DescribeCollectionResp;
import io.milvus.v2.service.database.request.CreateDatabaseReq;
import io.milvus.v2.service.database.request.DescribeDatabaseReq;
import io.milvus.v2.service.database.request.DropDatabaseReq;
import io.milvus.v2.service.index.request.AlterIndexPropertiesReq;
import io.milvus.v2.service.index.request.CreateIndexReq;
import io.milvus.v2.service.index.request.DescribeIndexReq;
import io.milvus.v2.service.index.request.DropIndexPropertiesReq;
import io.milvus.v2.service.index.request.DropIndexReq;
import io.milvus.v2.service.index.request.ListIndexesReq;
import io.milvus.v2.service.index.response.DescribeIndexResp;
import io.milvus.v2.service.partition.request.CreatePartitionReq;
import io.milvus.v2.service.partition.request.DropPartitionReq;
import io.milvus.v2.service.partition.request.GetPartitionStatsReq;
import io.milvus.v2.service.partition.request.HasPartitionReq;
import io.milvus.v2.service.partition.request.ListPartitionsReq;
import io.milvus.v2.service.partition.request.LoadPartitionsReq;
import io.milvus.v2.service.partition.request.ReleasePartitionsReq;
import io.milvus.v2.service.rbac.request.CreateRoleReq;
import io.milvus.v2.service.rbac.request.CreateUserReq;
import io.milvus.v2.service.rbac.request.DescribeRoleReq;
import io.milvus.v2.service.rbac.request.DescribeUserReq;
import io.milvus.v2.service.rbac.request.DropRoleReq;
import io.milvus.v2.service.rbac.request.DropUserReq;
import io.milvus.v2.service.rbac.request.GrantPrivilegeReqV2;
import io.milvus.v2.service.rbac.request.GrantRoleReq;
import io.milvus.v2.service.rbac.request.RevokePrivilegeReqV2;
import io.milvus.v2.service.rbac.request.RevokeRoleReq;
import io.milvus.v2.service.rbac.request.UpdatePasswordReq;
import io.milvus.v2.service.utility.request.AlterAliasReq;
import io.milvus.v2.service.utility.request.CompactReq;
import io.milvus.v2.service.utility.request.CreateAliasReq;
import io.milvus.v2.service.utility.request.DescribeAliasReq;
import io.milvus.v2.service.utility.request.DropAliasReq;
import io.milvus.v2.service.utility.request.GetCompactionStateReq;
import io.milvus.v2.service.utility.request.GetPersistentSegmentInfoReq;
import io.milvus.v2.service.utility.request.ListAliasesReq;
import io.milvus.v2.service.vector.request.InsertReq;
import io.milvus.v2.service.vector.request.QueryReq;
import io.milvus.v2.service.vector.request.SearchReq;
import io.milvus.v2.service.vector.request.data.FloatVec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** The calls around the rows: partitions, aliases, databases, indexes, loading, properties, fields, and wrong uses. */
final class Calls {
  private Calls() {}

  private static void quick(MilvusClientV2 client, String name, int dimension) {
    client.createCollection(CreateCollectionReq.builder().collectionName(name).dimension(dimension).build());
  }

  private static long insert(MilvusClientV2 client, String name, String partition, String... rows) {
    List<JsonObject> data = new ArrayList<>();
    for (String row : rows) data.add(json(row));
    InsertReq.InsertReqBuilder request = InsertReq.builder().collectionName(name).data(data);
    return client.insert(partition.isEmpty() ? request.build() : request.partitionName(partition).build()).getInsertCnt();
  }

  private static List<Map<String, Object>> query(MilvusClientV2 client, String name, String filter, String... fields) {
    return entitiesOf(client.query(QueryReq.builder().collectionName(name).filter(filter).outputFields(Arrays.asList(fields)).build()).getQueryResults());
  }

  private static void drop(MilvusClientV2 client, String name) {
    client.dropCollection(DropCollectionReq.builder().collectionName(name).build());
  }

  private static boolean has(MilvusClientV2 client, String name) {
    return client.hasCollection(HasCollectionReq.builder().collectionName(name).build());
  }

  private static List<String> sorted(List<String> names) {
    List<String> copy = new ArrayList<>(names);
    Collections.sort(copy);
    return copy;
  }

  static void before(MilvusClientV2 client) {
    check("session: the server is healthy", () -> client.checkHealth().getIsHealthy(), true);
    check("session: it has a version", () -> client.getServerVersion().length() > 2, true);
    does("quick: a collection of a name and a dimension", () -> quick(client, "quick", 2));
    check("quick: rows go in", () -> insert(client, "quick", "", "{\"id\": 1, \"vector\": [1, 2], \"note\": \"one\"}", "{\"id\": 2, \"vector\": [2, 1]}"), 2);
    check("quick: it exists, another does not", () -> Arrays.asList(has(client, "quick"), has(client, "nothing")), Arrays.asList(true, false));
    fails("quick: the name with another dimension", () -> quick(client, "quick", 3), 1100, "different parameters");
    names(client);
    partitions(client);
    aliases(client);
    databases(client);
    loading(client);
    indexes(client);
    does("users: one with a role", () -> {
      client.createUser(CreateUserReq.builder().userName("reader_user").password("secret12").build());
      client.createRole(CreateRoleReq.builder().roleName("reader_role").build());
      client.grantPrivilegeV2(GrantPrivilegeReqV2.builder().roleName("reader_role").privilege("Search").collectionName("*").dbName("default").build());
      client.grantRole(GrantRoleReq.builder().userName("reader_user").roleName("reader_role").build());
    });
    does("properties: set", () -> client.alterCollectionProperties(AlterCollectionPropertiesReq.builder().collectionName("quick")
        .property("collection.ttl.seconds", "86400").build()));
    does("fields: added", () -> client.addCollectionField(AddCollectionFieldReq.builder().collectionName("quick").fieldName("stars")
        .dataType(DataType.Int64).isNullable(true).build()));
    check("fields: a row with it", () -> insert(client, "quick", "", "{\"id\": 50, \"vector\": [1, 1], \"stars\": 5}"), 1);
    unchanged(client);
  }

  private static void names(MilvusClientV2 client) {
    check("names: renamed", () -> {
      quick(client, "first", 2);
      insert(client, "first", "", "{\"id\": 1, \"vector\": [1, 2]}");
      client.renameCollection(RenameCollectionReq.builder().collectionName("first").newCollectionName("second").build());
      return Arrays.asList(has(client, "first"), has(client, "second"));
    }, Arrays.asList(false, true));
    check("names: truncated", () -> {
      client.truncateCollection(TruncateCollectionReq.builder().collectionName("second").build());
      return query(client, "second", "", "count(*)").get(0).get("count(*)");
    }, 0);
    does("names: dropped twice", () -> {
      drop(client, "second");
      drop(client, "second");
    });
    fails("names: a wrong one", () -> quick(client, "1 bad name", 2), 1100, "Invalid collection name");
    check("names: keys made by the server", () -> {
      client.createCollection(CreateCollectionReq.builder().collectionName("automatic").dimension(2).autoID(true).build());
      long count = insert(client, "automatic", "", "{\"vector\": [1, 2]}", "{\"vector\": [3, 4]}");
      int found = query(client, "automatic", "id > 0", "vector").size();
      drop(client, "automatic");
      return Arrays.asList(count, found);
    }, Arrays.asList(2, 2));
  }

  private static void partitions(MilvusClientV2 client) {
    does("partitions: created", () -> {
      client.createPartition(CreatePartitionReq.builder().collectionName("quick").partitionName("east").build());
      client.createPartition(CreatePartitionReq.builder().collectionName("quick").partitionName("gone").build());
    });
    check("partitions: rows go in", () -> insert(client, "quick", "east", "{\"id\": 10, \"vector\": [9, 9]}", "{\"id\": 11, \"vector\": [8, 8]}"), 2);
    check("partitions: asked for", () -> client.hasPartition(HasPartitionReq.builder().collectionName("quick").partitionName("east").build()), true);
    fails("partitions: a loaded one is not dropped",
        () -> client.dropPartition(DropPartitionReq.builder().collectionName("quick").partitionName("gone").build()), 1100, "release");
    does("partitions: released and dropped", () -> {
      client.releasePartitions(ReleasePartitionsReq.builder().collectionName("quick").partitionNames(Collections.singletonList("gone")).build());
      client.dropPartition(DropPartitionReq.builder().collectionName("quick").partitionName("gone").build());
    });
  }

  private static void aliases(MilvusClientV2 client) {
    does("aliases: created and moved", () -> {
      client.createAlias(CreateAliasReq.builder().collectionName(Page.NAME).alias("compass").build());
      client.alterAlias(AlterAliasReq.builder().collectionName("quick").alias("compass").build());
    });
    fails("aliases: an unknown one", () -> client.describeAlias(DescribeAliasReq.builder().alias("nobody").build()), 1600, "alias not found");
    fails("aliases: no collection of that name", () -> quick(client, "compass", 2), 1601, "alias");
    does("aliases: dropped", () -> {
      client.createAlias(CreateAliasReq.builder().collectionName("quick").alias("brief").build());
      client.dropAlias(DropAliasReq.builder().alias("brief").build());
    });
  }

  private static void databases(MilvusClientV2 client) {
    does("databases: created", () -> client.createDatabase(CreateDatabaseReq.builder().databaseName("library")
        .properties(Collections.singletonMap("database.max.collections", "8")).build()));
    does("databases: used, filled, left", () -> {
      client.useDatabase("library");
      quick(client, "books", 2);
      insert(client, "books", "", "{\"id\": 7, \"vector\": [7, 1]}");
      client.useDatabase("default");
    });
    fails("databases: a full one is not dropped", () -> client.dropDatabase(DropDatabaseReq.builder().databaseName("library").build()), 1100, "not empty");
    does("databases: an empty one is", () -> {
      client.createDatabase(CreateDatabaseReq.builder().databaseName("empty").build());
      client.dropDatabase(DropDatabaseReq.builder().databaseName("empty").build());
    });
    check("databases: an unknown one refuses a client", () -> {
      try {
        Main.connect("nowhere").close();
        return "nothing";
      } catch (RuntimeException error) {
        return error.getMessage().contains("database not found");
      }
    }, true);
  }

  private static void loading(MilvusClientV2 client) {
    does("load: a collection released", () -> {
      quick(client, "idle", 2);
      client.releaseCollection(ReleaseCollectionReq.builder().collectionName("idle").build());
    });
    fails("load: it is not searched", () -> client.search(SearchReq.builder().collectionName("idle").limit(1)
        .data(Collections.singletonList(new FloatVec(new float[] {1, 2}))).build()), 101, "collection not loaded");
    fails("load: an unknown one", () -> client.loadCollection(LoadCollectionReq.builder().collectionName("nothing").build()), 100, "collection");
    does("load: a partition", () -> client.loadPartitions(LoadPartitionsReq.builder().collectionName("idle").partitionNames(Collections.singletonList("_default")).build()));
    does("load: refreshed", () -> client.refreshLoad(RefreshLoadReq.builder().collectionName("quick").build()));
    does("load: released again", () -> client.releaseCollection(ReleaseCollectionReq.builder().collectionName("idle").build()));
  }

  private static void index(MilvusClientV2 client, IndexType type, MetricType metric, Map<String, Object> params) {
    client.createIndex(CreateIndexReq.builder().collectionName("bare").indexParams(Collections.singletonList(
        IndexParam.builder().fieldName("vector").indexName("vector").indexType(type).metricType(metric).extraParams(params).build())).build());
  }

  private static void indexes(MilvusClientV2 client) {
    CreateCollectionReq.CollectionSchema schema = MilvusClientV2.CreateSchema();
    schema.addField(AddFieldReq.builder().fieldName("id").dataType(DataType.Int64).isPrimaryKey(true).build());
    schema.addField(AddFieldReq.builder().fieldName("vector").dataType(DataType.FloatVector).dimension(2).build());
    does("indexes: a collection without", () -> client.createCollection(CreateCollectionReq.builder().collectionName("bare").collectionSchema(schema).build()));
    fails("indexes: it is not loaded", () -> client.loadCollection(LoadCollectionReq.builder().collectionName("bare").build()), 700, "index not found");
    Map<String, Object> lists = Collections.singletonMap("nlist", 16);
    does("indexes: created, and again", () -> {
      index(client, IndexType.IVF_FLAT, MetricType.L2, lists);
      index(client, IndexType.IVF_FLAT, MetricType.L2, lists);
    });
    fails("indexes: a second one", () -> index(client, IndexType.FLAT, MetricType.IP, Collections.emptyMap()), 1100, "at most one distinct index is allowed per field");
    check("indexes: listed", () -> client.listIndexes(ListIndexesReq.builder().collectionName("bare").build()), Collections.singletonList("vector"));
    check("indexes: altered", () -> {
      client.alterIndexProperties(AlterIndexPropertiesReq.builder().collectionName("bare").indexName("vector").property("mmap.enabled", "true").build());
      return client.describeIndex(DescribeIndexReq.builder().collectionName("bare").indexName("vector").build()).getIndexDescByFieldName("vector").getProperties().get("mmap.enabled");
    }, "true");
    does("indexes: the property dropped", () -> client.dropIndexProperties(DropIndexPropertiesReq.builder().collectionName("bare").indexName("vector")
        .propertyKeys(Collections.singletonList("mmap.enabled")).build()));
    does("indexes: dropped", () -> {
      client.dropIndex(DropIndexReq.builder().collectionName("bare").indexName("vector").build());
      drop(client, "bare");
    });
  }

  private static void unchanged(MilvusClientV2 client) {
    check("calls: the collections", () -> sorted(client.listCollections().getCollectionNames()), Arrays.asList("all_types", "idle", "my_collection", "quick"));
    check("calls: described by its alias", () -> {
      DescribeCollectionResp found = client.describeCollection(DescribeCollectionReq.builder().collectionName("compass").build());
      return Arrays.asList(found.getCollectionName(), found.getPrimaryFieldName(), sorted(found.getFieldNames()), found.getProperties().get("collection.ttl.seconds"));
    }, Arrays.asList("quick", "id", Arrays.asList("id", "stars", "vector"), "86400"));
    check("partitions: listed", () -> sorted(client.listPartitions(ListPartitionsReq.builder().collectionName("quick").build())), Arrays.asList("_default", "east"));
    check("partitions: rows counted", () -> client.getPartitionStats(GetPartitionStatsReq.builder().collectionName("quick").partitionName("east").build()).getNumOfEntities(), 2);
    check("aliases: listed", () -> client.listAliases(ListAliasesReq.builder().collectionName("quick").build()).getAlias(), Collections.singletonList("compass"));
    check("aliases: described", () -> client.describeAlias(DescribeAliasReq.builder().alias("compass").build()).getCollectionName(), "quick");
    check("databases: listed", () -> sorted(client.listDatabases().getDatabaseNames()), Arrays.asList("default", "library"));
    check("databases: described", () -> client.describeDatabase(DescribeDatabaseReq.builder().databaseName("library").build()).getProperties().get("database.max.collections"), "8");
    check("databases: rows of the other one", () -> {
      MilvusClientV2 library = Main.connect("library");
      List<Map<String, Object>> rows = query(library, "books", "id > 0", "id", "vector");
      library.close();
      return rows;
    }, Collections.singletonList(json("{\"id\": 7, \"vector\": [7.0, 1.0]}")));
    check("fields: old rows are null in the new one", () -> query(client, "compass", "id in [1, 10, 50]", "id", "stars"),
        Arrays.asList(json("{\"id\": 1, \"stars\": null}"), json("{\"id\": 10, \"stars\": null}"), json("{\"id\": 50, \"stars\": 5}")));
    check("indexes: described", () -> {
      DescribeIndexResp.IndexDesc found = client.describeIndex(DescribeIndexReq.builder().collectionName("all_types").indexName("by_dense").build()).getIndexDescByIndexName("by_dense");
      return Arrays.asList(found.getIndexType().name(), found.getMetricType().name(), found.getExtraParams().get("M"), found.getIndexState().name());
    }, Arrays.asList("HNSW", "L2", "16", "Finished"));
    check("users: described", () -> Arrays.asList(
        client.describeUser(DescribeUserReq.builder().userName("reader_user").build()).getRoles(),
        client.describeRole(DescribeRoleReq.builder().roleName("reader_role").build()).getGrantInfos().get(0).getPrivilege()),
        Arrays.asList(Collections.singletonList("reader_role"), "Search"));
    check("load: loaded, and released stays released", () -> Arrays.asList(
        client.getLoadState(GetLoadStateReq.builder().collectionName("all_types").build()),
        client.getLoadState(GetLoadStateReq.builder().collectionName("idle").build())), Arrays.asList(true, false));
  }

  static void after(MilvusClientV2 client) {
    unchanged(client);
    does("compaction: asked for, and its state", () -> client.getCompactionState(GetCompactionStateReq.builder()
        .compactionID(client.compact(CompactReq.builder().collectionName("all_types").build()).getCompactionID()).build()));
    does("segments: listed", () -> client.getPersistentSegmentInfo(GetPersistentSegmentInfoReq.builder().collectionName("all_types").build()));
    check("replicas: one", () -> client.describeReplicas(DescribeReplicasReq.builder().collectionName("all_types").build()).getReplicas().size(), 1);
    check("load: a released collection is loaded again", () -> {
      client.loadCollection(LoadCollectionReq.builder().collectionName("idle").build());
      return client.getLoadState(GetLoadStateReq.builder().collectionName("idle").build());
    }, true);
    does("users: the password, the role, the user go", () -> {
      client.updatePassword(UpdatePasswordReq.builder().userName("reader_user").password("secret12").newPassword("secret34").build());
      client.revokeRole(RevokeRoleReq.builder().userName("reader_user").roleName("reader_role").build());
      client.revokePrivilegeV2(RevokePrivilegeReqV2.builder().roleName("reader_role").privilege("Search").collectionName("*").dbName("default").build());
      client.dropRole(DropRoleReq.builder().roleName("reader_role").build());
      client.dropUser(DropUserReq.builder().userName("reader_user").build());
    });
    does("clean: everything goes", () -> {
      client.dropAlias(DropAliasReq.builder().alias("compass").build());
      for (String name : Arrays.asList("quick", "idle", "all_types", "my_collection")) drop(client, name);
      client.useDatabase("library");
      drop(client, "books");
      client.useDatabase("default");
      client.dropDatabase(DropDatabaseReq.builder().databaseName("library").build());
    });
    check("clean: nothing is left", () -> Arrays.asList(client.listCollections().getCollectionNames().size(), client.listDatabases().getDatabaseNames()),
        Arrays.asList(0, Collections.singletonList("default")));
    fails("clean: a dropped collection is not read", () -> query(client, "quick", "id > 0", "id"), 100, "collection");
  }
}
