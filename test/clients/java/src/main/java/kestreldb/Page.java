package kestreldb;

import static kestreldb.Tap.check;
import static kestreldb.Tap.does;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.milvus.v2.client.MilvusClientV2;
import io.milvus.v2.common.DataType;
import io.milvus.v2.common.IndexParam;
import io.milvus.v2.service.collection.request.AddFieldReq;
import io.milvus.v2.service.collection.request.CreateCollectionReq;
import io.milvus.v2.service.partition.request.CreatePartitionReq;
import io.milvus.v2.service.vector.request.DeleteReq;
import io.milvus.v2.service.vector.request.GetReq;
import io.milvus.v2.service.vector.request.InsertReq;
import io.milvus.v2.service.vector.request.QueryReq;
import io.milvus.v2.service.vector.request.SearchReq;
import io.milvus.v2.service.vector.request.UpsertReq;
import io.milvus.v2.service.vector.request.data.FloatVec;
import io.milvus.v2.service.vector.response.QueryResp;
import io.milvus.v2.service.vector.response.UpsertResp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** The examples of the page "Upsert Entities" in Java, what each must print, and what they leave behind. */
final class Page {
  static final String NAME = "my_collection";
  private static final Gson GSON = new Gson();

  private static final List<JsonObject> FIRST = Arrays.asList(
      GSON.fromJson("{\"id\": 0, \"vector\": [-0.619954382375778, 0.4479436794798608, -0.17493894838751745, -0.4248030059917294, -0.8648452746018911], \"title\": \"Artificial Intelligence in Real Life\", \"issue\": \"vol.12\"}", JsonObject.class),
      GSON.fromJson("{\"id\": 1, \"vector\": [0.4762662251462588, -0.6942502138717026, -0.4490002642657902, -0.628696575798281, 0.9660395877041965], \"title\": \"Hollow Man\", \"issue\": \"vol.19\"}", JsonObject.class),
      GSON.fromJson("{\"id\": 2, \"vector\": [-0.8864122635045097, 0.9260170474445351, 0.801326976181461, 0.6383943392381306, 0.7563037341572827], \"title\": \"Treasure Hunt in Missouri\", \"issue\": \"vol.12\"}", JsonObject.class));

  private static final List<JsonObject> IN_PARTITION = Arrays.asList(
      GSON.fromJson("{\"id\": 10, \"vector\": [0.06998888224297328, 0.8582816610326578, -0.9657938677934292, 0.6527905683627726, -0.8668460657158576], \"title\": \"Layour Design Reference\", \"issue\": \"vol.34\"}", JsonObject.class),
      GSON.fromJson("{\"id\": 11, \"vector\": [0.6060703043917468, -0.3765080534566074, -0.7710758854987239, 0.36993888322346136, 0.5507513364206531], \"title\": \"Doraemon and His Friends\", \"issue\": \"vol.2\"}", JsonObject.class),
      GSON.fromJson("{\"id\": 12, \"vector\": [-0.9041813104515337, -0.9610546012461163, 0.20033003106083358, 0.11842506351635174, 0.8327356724591011], \"title\": \"Pikkachu and Pokemon\", \"issue\": \"vol.12\"}", JsonObject.class));

  // The merge of the page names rows 3 and 12 and no partition: it reads the default partition, so both are there before.
  private static final List<JsonObject> THERE = Arrays.asList(
      GSON.fromJson("{\"id\": 3, \"vector\": [0.1, 0.2, 0.3, 0.4, 0.5], \"title\": \"There Before\", \"issue\": \"vol.3\"}", JsonObject.class),
      GSON.fromJson("{\"id\": 12, \"vector\": [0.5, 0.4, 0.3, 0.2, 0.1], \"title\": \"There As Well\", \"issue\": \"vol.12\"}", JsonObject.class));

  private Page() {}

  private static void create(MilvusClientV2 client) {
    CreateCollectionReq.CollectionSchema schema = MilvusClientV2.CreateSchema();
    schema.setEnableDynamicField(true);
    schema.addField(AddFieldReq.builder().fieldName("id").dataType(DataType.Int64).isPrimaryKey(true).build());
    schema.addField(AddFieldReq.builder().fieldName("vector").dataType(DataType.FloatVector).dimension(5).build());
    schema.addField(AddFieldReq.builder().fieldName("title").dataType(DataType.VarChar).maxLength(512).build());
    schema.addField(AddFieldReq.builder().fieldName("issue").dataType(DataType.VarChar).maxLength(64).isNullable(true).build());
    client.createCollection(CreateCollectionReq.builder().collectionName(NAME).collectionSchema(schema)
        .indexParams(Collections.singletonList(IndexParam.builder().fieldName("vector")
            .indexType(IndexParam.IndexType.AUTOINDEX).metricType(IndexParam.MetricType.COSINE).build()))
        .build());
    client.createPartition(CreatePartitionReq.builder().collectionName(NAME).partitionName("partitionA").build());
    client.insert(InsertReq.builder().collectionName(NAME).data(THERE).build());
  }

  /** What the page prints is `UpsertResp(upsertCnt=3)`; newer SDKs add the keys. */
  private static String printed(UpsertResp response) {
    String text = response.toString().replaceAll("[{(]", "(").replaceAll("[})]$", ")");
    return text.replaceAll(", primaryKeys=\\[[^\\]]*\\]", "");
  }

  private static void upserts(MilvusClientV2 client) {
    check("page: upsert entities in a collection",
        () -> printed(client.upsert(UpsertReq.builder().collectionName("my_collection").data(FIRST).build())),
        "UpsertResp(upsertCnt=3)");
    check("page: upsert entities in a partition",
        () -> printed(client.upsert(UpsertReq.builder().collectionName("my_collection").partitionName("partitionA").data(IN_PARTITION).build())),
        "UpsertResp(upsertCnt=3)");
    JsonObject row1 = new JsonObject();
    row1.addProperty("id", 3);
    row1.addProperty("issue", "vol.14");
    JsonObject row2 = new JsonObject();
    row2.addProperty("id", 12);
    row2.addProperty("issue", "vol.7");
    check("page: upsert entities in merge mode",
        () -> printed(client.upsert(UpsertReq.builder().collectionName("my_collection").data(Arrays.asList(row1, row2)).partialUpdate(true).build())),
        "UpsertResp(upsertCnt=2)");
  }

  private static JsonObject with(JsonObject row, String issue) {
    JsonObject copy = row.deepCopy();
    copy.addProperty("issue", issue);
    return copy;
  }

  private static List<Map<String, Object>> read(MilvusClientV2 client, String partition) {
    QueryResp found = client.query(QueryReq.builder().collectionName(NAME).filter("id >= 0")
        .partitionNames(Collections.singletonList(partition)).outputFields(Arrays.asList("id", "vector", "title", "issue")).build());
    return entitiesOf(found.getQueryResults());
  }

  static List<Map<String, Object>> entitiesOf(List<QueryResp.QueryResult> results) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (QueryResp.QueryResult result : results) rows.add(result.getEntity());
    return rows;
  }

  private static void unchanged(MilvusClientV2 client) {
    List<JsonObject> rows = new ArrayList<>(FIRST);
    rows.add(with(THERE.get(0), "vol.14"));
    rows.add(with(THERE.get(1), "vol.7"));
    check("page: every value of the collection", () -> read(client, "_default"), rows);
    check("page: every value of partitionA", () -> read(client, "partitionA"), IN_PARTITION);
    check("page: the nearest row is the row itself",
        () -> client.search(SearchReq.builder().collectionName(NAME).limit(1).outputFields(Collections.singletonList("title"))
            .data(Collections.singletonList(new FloatVec(new float[] {0.4762662f, -0.6942502f, -0.44900026f, -0.6286966f, 0.9660396f}))).build())
            .getSearchResults().get(0).get(0).getEntity().get("title"),
        "Hollow Man");
  }

  static void before(MilvusClientV2 client) {
    does("page: the collection is created with partitionA", () -> create(client));
    upserts(client);
    unchanged(client);
  }

  static void after(MilvusClientV2 client) {
    unchanged(client);
    upserts(client);
    unchanged(client);
    notes(client);
  }

  /** The special notes of the page: nulls and dynamic keys, in both modes. */
  private static void notes(MilvusClientV2 client) {
    String plain = "\"id\": 20, \"vector\": [1.0, 2.0, 3.0, 4.0, 5.0], \"title\": \"Notes\"";
    String whole = plain + ", \"issue\": \"vol.1\"";
    check("page: dynamic keys are stored",
        () -> stored(client, "{" + whole + ", \"author\": \"John\", \"year\": 2020, \"tags\": [\"fiction\"]}", false),
        json("{" + whole + ", \"author\": \"John\", \"year\": 2020, \"tags\": [\"fiction\"]}"));
    check("page: a merge keeps the issue and merges dynamic keys",
        () -> stored(client, "{\"id\": 20, \"author\": \"Jane\", \"genre\": \"fantasy\"}", true),
        json("{" + whole + ", \"author\": \"Jane\", \"year\": 2020, \"tags\": [\"fiction\"], \"genre\": \"fantasy\"}"));
    check("page: override without the issue makes it null and drops other keys",
        () -> stored(client, "{" + plain + ", \"genre\": \"fantasy\"}", false),
        json("{" + plain + ", \"issue\": null, \"genre\": \"fantasy\"}"));
    check("page: the row is deleted again",
        () -> client.delete(DeleteReq.builder().collectionName(NAME).ids(Collections.singletonList(20L)).build()).getDeleteCnt(), 1);
  }

  static JsonObject json(String text) {
    return GSON.fromJson(text, JsonObject.class);
  }

  private static Object stored(MilvusClientV2 client, String row, boolean merge) {
    client.upsert(UpsertReq.builder().collectionName(NAME).data(Collections.singletonList(json(row))).partialUpdate(merge).build());
    return entitiesOf(client.get(GetReq.builder().collectionName(NAME).ids(Collections.singletonList(20L))
        .outputFields(Collections.singletonList("*")).build()).getGetResults()).get(0);
  }
}
