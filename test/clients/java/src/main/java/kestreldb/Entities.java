package kestreldb;

import static kestreldb.Page.entitiesOf;
import static kestreldb.Rows.COUNT;
import static kestreldb.Rows.NAME;
import static kestreldb.Rows.dense;
import static kestreldb.Rows.key;
import static kestreldb.Tap.check;
import static kestreldb.Tap.does;
import static kestreldb.Tap.fails;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.milvus.orm.iterator.QueryIterator;
import io.milvus.orm.iterator.SearchIterator;
import io.milvus.orm.iterator.SearchIteratorV2;
import io.milvus.response.QueryResultsWrapper;
import io.milvus.v2.client.MilvusClientV2;
import io.milvus.v2.common.IndexParam.MetricType;
import io.milvus.v2.service.collection.request.CreateCollectionReq;
import io.milvus.v2.service.collection.request.GetCollectionStatsReq;
import io.milvus.v2.service.utility.request.FlushReq;
import io.milvus.v2.service.vector.request.AnnSearchReq;
import io.milvus.v2.service.vector.request.DeleteReq;
import io.milvus.v2.service.vector.request.GetReq;
import io.milvus.v2.service.vector.request.HybridSearchReq;
import io.milvus.v2.service.vector.request.InsertReq;
import io.milvus.v2.service.vector.request.QueryIteratorReq;
import io.milvus.v2.service.vector.request.QueryReq;
import io.milvus.v2.service.vector.request.SearchIteratorReq;
import io.milvus.v2.service.vector.request.SearchIteratorReqV2;
import io.milvus.v2.service.vector.request.SearchReq;
import io.milvus.v2.service.vector.request.UpsertReq;
import io.milvus.v2.service.vector.request.data.BFloat16Vec;
import io.milvus.v2.service.vector.request.data.BaseVector;
import io.milvus.v2.service.vector.request.data.BinaryVec;
import io.milvus.v2.service.vector.request.data.Float16Vec;
import io.milvus.v2.service.vector.request.data.FloatVec;
import io.milvus.v2.service.vector.request.data.Int8Vec;
import io.milvus.v2.service.vector.request.data.SparseFloatVec;
import io.milvus.v2.service.vector.request.ranker.RRFRanker;
import io.milvus.v2.service.vector.request.ranker.WeightedRanker;
import io.milvus.v2.service.vector.response.InsertResp;
import io.milvus.v2.service.vector.response.SearchResp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/** Writes and reads of the collection with every type: insert, upsert, delete, query, iterators, search, hybrid search. */
final class Entities {
  private Entities() {}

  private static List<Integer> left() {
    List<Integer> numbers = new ArrayList<>();
    for (int number = 0; number < COUNT; number++) if (number < 190 || number > 194) numbers.add(number);
    return numbers;
  }

  private static JsonObject stored(int number) {
    JsonObject row = Rows.stored(number);
    if (number == 1) {
      row.addProperty("body", "merged");
      row.addProperty("shade", "dark");
    }
    if (number == 2) row.getAsJsonArray("tags").add("new");
    return row;
  }

  private static InsertResp insert(MilvusClientV2 client, JsonObject... rows) {
    return client.insert(InsertReq.builder().collectionName(NAME).data(Arrays.asList(rows)).build());
  }

  private static long merge(MilvusClientV2 client, String row) {
    return client.upsert(UpsertReq.builder().collectionName(NAME).partialUpdate(true)
        .data(Collections.singletonList(Page.json(row))).build()).getUpsertCnt();
  }

  static void before(MilvusClientV2 client) {
    does("types: the collection is created, indexed, loaded", () -> Rows.create(client));
    JsonObject[] rows = new JsonObject[COUNT];
    for (int number = 0; number < COUNT; number++) rows[number] = Rows.row(number);
    check("types: insert answers count and keys", () -> {
      InsertResp found = insert(client, rows);
      return Arrays.asList(found.getInsertCnt(), found.getPrimaryKeys().get(COUNT - 1));
    }, Arrays.asList(COUNT, key(COUNT - 1)));
    does("types: flush", () -> client.flush(FlushReq.builder().collectionNames(Collections.singletonList(NAME)).build()));
    check("types: rows counted",
        () -> client.getCollectionStats(GetCollectionStatsReq.builder().collectionName(NAME).build()).getNumOfEntities(), COUNT);
    check("types: a merge", () -> merge(client, "{\"key\": \"k0001\", \"body\": \"merged\", \"shade\": \"dark\"}"), 1);
    JsonArray added = new JsonArray();
    added.add("new");
    JsonObject append = new JsonObject();
    append.addProperty("key", key(2));
    append.add("tags", added);
    check("types: array append", () -> client.upsert(UpsertReq.builder().collectionName(NAME)
        .data(Collections.singletonList(append))
        .fieldOps(Collections.singletonList(UpsertReq.FieldPartialUpdateOp.builder().fieldName("tags")
            .opType(UpsertReq.FieldPartialUpdateOp.OpType.ARRAY_APPEND).build())).build()).getUpsertCnt(), 1);
    check("types: delete by keys", () -> client.delete(DeleteReq.builder().collectionName(NAME)
        .ids(Arrays.asList(key(190), key(191))).build()).getDeleteCnt(), 2);
    check("types: delete by a filter with a parameter", () -> client.delete(DeleteReq.builder().collectionName(NAME)
        .filter("rank in {ranks}").filterTemplateValues(Collections.singletonMap("ranks", Arrays.asList(192, 193, 194)))
        .build()).getDeleteCnt(), 3);
    unchanged(client);
  }

  private static void unchanged(MilvusClientV2 client) {
    List<JsonObject> expected = new ArrayList<>();
    for (int number : left()) expected.add(stored(number));
    check("types: every value of every row", () -> entitiesOf(client.query(QueryReq.builder().collectionName(NAME)
        .filter("rank >= 0").outputFields(Collections.singletonList("*")).build()).getQueryResults()), expected);
    check("types: get answers whole rows", () -> entitiesOf(client.get(GetReq.builder().collectionName(NAME)
        .ids(Arrays.asList(key(1), key(2), key(190))).build()).getGetResults()), Arrays.asList(stored(1), stored(2)));
    queries(client);
    iterators(client);
    searches(client);
    hybrid(client);
  }

  private static List<Object> keys(MilvusClientV2 client, String filter) {
    List<Object> keys = new ArrayList<>();
    client.query(QueryReq.builder().collectionName(NAME).filter(filter).outputFields(Collections.singletonList("key")).build())
        .getQueryResults().forEach(result -> keys.add(result.getEntity().get("key")));
    return keys;
  }

  private static List<String> holds(IntPredicate test) {
    List<String> keys = new ArrayList<>();
    for (int number : left()) if (test.test(number)) keys.add(key(number));
    return keys;
  }

  private static void queries(MilvusClientV2 client) {
    check("query: long integers", () -> keys(client, "large == " + (Rows.LONG + 77)), holds(n -> n == 77));
    check("query: is null", () -> keys(client, "yes is null"), holds(n -> n % 5 == 0));
    check("query: like", () -> keys(client, "body like \"kestrel%\""), holds(n -> n % 5 == 2 && n != 1));
    check("query: a path into JSON", () -> keys(client, "doc[\"deep\"][\"list\"][0] == 42"), holds(n -> n == 42));
    check("query: array_contains", () -> keys(client, "array_contains(tags, \"river\")"), holds(n -> n % 5 == 0));
    check("query: dynamic keys", () -> keys(client, "color == \"kestrel\" && rank > 100"), holds(n -> n % 3 == 2 && n > 100));
    check("query: not, or, in", () -> keys(client, "not (rank in [1, 2, 3]) and (rank < 6 or rank == 50)"),
        holds(n -> n == 0 || n == 4 || n == 5 || n == 50));
    check("query: count(*)", () -> entitiesOf(client.query(QueryReq.builder().collectionName(NAME).filter("")
        .outputFields(Collections.singletonList("count(*)")).build()).getQueryResults()).get(0).get("count(*)"), COUNT - 5);
    check("query: parameters, limit, offset", () -> entitiesOf(client.query(QueryReq.builder().collectionName(NAME)
        .filter("rank < {most}").filterTemplateValues(Collections.singletonMap("most", 10L)).limit(2).offset(1)
        .outputFields(Arrays.asList("body", "color")).build()).getQueryResults()),
        Arrays.asList(Page.json("{\"key\":\"k0001\",\"body\":\"merged\",\"color\":\"mountain\"}"),
            Page.json("{\"key\":\"k0002\",\"body\":\"kestrel number 2\",\"color\":\"kestrel\"}")));
    check("query: no row, no result", () -> keys(client, "rank < 0").size(), 0);
  }

  private static double distance(int target, int number) {
    double sum = 0;
    for (int place = 0; place < Rows.DIM; place++) sum += Math.pow(dense(target).get(place) - dense(number).get(place), 2);
    return sum;
  }

  private static List<Double> nearest(int target, int limit, IntPredicate test) {
    List<Double> scores = new ArrayList<>();
    for (int number : left()) if (test.test(number)) scores.add(distance(target, number));
    Collections.sort(scores);
    return scores.subList(0, Math.min(limit, scores.size()));
  }

  private static void iterators(MilvusClientV2 client) {
    check("iterator: a query in pages has every row once", () -> {
      QueryIterator pages = client.queryIterator(QueryIteratorReq.builder().collectionName(NAME).expr("rank >= 20")
          .outputFields(Collections.singletonList("key")).batchSize(50L).build());
      List<Object> keys = new ArrayList<>();
      for (List<QueryResultsWrapper.RowRecord> page = pages.next(); !page.isEmpty(); page = pages.next()) {
        page.forEach(row -> keys.add(row.get("key")));
      }
      pages.close();
      return keys;
    }, holds(n -> n >= 20));
    check("iterator: a search in pages, nearest first", () -> {
      SearchIteratorV2 pages = client.searchIteratorV2(SearchIteratorReqV2.builder().collectionName(NAME)
          .vectorFieldName("dense").vectors(Collections.singletonList(new FloatVec(dense(7)))).metricType(MetricType.L2)
          .batchSize(40L).limit(100).build());
      List<Float> scores = new ArrayList<>();
      for (List<SearchResp.SearchResult> page = pages.next(); !page.isEmpty(); page = pages.next()) {
        page.forEach(hit -> scores.add(hit.getScore()));
      }
      pages.close();
      return scores;
    }, nearest(7, 100, n -> true));
    check("iterator: the older search iterator", () -> {
      SearchIterator pages = client.searchIterator(SearchIteratorReq.builder().collectionName(NAME).vectorFieldName("dense")
          .vectors(Collections.singletonList(new FloatVec(dense(7)))).metricType(MetricType.L2).params("{}")
          .batchSize(40L).limit(100).build());
      List<Float> scores = new ArrayList<>();
      for (List<QueryResultsWrapper.RowRecord> page = pages.next(); !page.isEmpty(); page = pages.next()) {
        page.forEach(hit -> scores.add((Float) hit.get("score")));
      }
      pages.close();
      return scores;
    }, nearest(7, 100, n -> true));
  }

  private static SearchReq.SearchReqBuilder request(String field, int limit, BaseVector... vectors) {
    return SearchReq.builder().collectionName(NAME).annsField(field).limit(limit).data(Arrays.asList(vectors));
  }

  private static List<Float> scores(SearchResp found) {
    List<Float> scores = new ArrayList<>();
    found.getSearchResults().get(0).forEach(hit -> scores.add(hit.getScore()));
    return scores;
  }

  private static Object first(SearchResp found) {
    return found.getSearchResults().get(0).get(0).getId();
  }

  private static void searches(MilvusClientV2 client) {
    FloatVec target = new FloatVec(dense(123));
    check("search: the nearest ten", () -> scores(client.search(request("dense", 10, target).build())), nearest(123, 10, n -> true));
    check("search: with a filter", () -> scores(client.search(request("dense", 10, target).filter("color == {color}")
        .filterTemplateValues(Collections.singletonMap("color", "kestrel"))
        .searchParams(Collections.singletonMap("ef", 64)).build())), nearest(123, 10, n -> n % 3 == 2));
    check("search: hits carry fields", () -> client.search(request("dense", 1, target)
        .outputFields(Arrays.asList("large", "rank", "dense")).build()).getSearchResults().get(0).get(0).getEntity(),
        Page.json("{\"large\":" + (Rows.LONG + 123) + ",\"rank\":123,\"dense\":" + dense(123) + "}"));
    check("search: two vectors at once", () -> {
      SearchResp found = client.search(request("dense", 1, new FloatVec(dense(5)), new FloatVec(dense(6))).build());
      return Arrays.asList(found.getSearchResults().get(0).get(0).getId(), found.getSearchResults().get(1).get(0).getId());
    }, Arrays.asList(key(5), key(6)));
    check("search: one hit of each group", () -> client.search(request("dense", 5, target).filter("rank in [10, 12, 31, 33]")
        .groupByFieldName("yes").outputFields(Collections.singletonList("yes")).build()).getSearchResults().get(0).size(), 3);
    check("search: float16", () -> first(client.search(request("half", 1, new Float16Vec(dense(50))).build())), key(50));
    check("search: bfloat16", () -> first(client.search(request("brain", 1, new BFloat16Vec(dense(50))).filter("rank == 50").build())), key(50));
    check("search: binary", () -> first(client.search(request("bits", 1, new BinaryVec(Rows.bits(77))).build())), key(77));
    check("search: int8", () -> first(client.search(request("bytes", 1, new Int8Vec(Rows.bytes(77))).build())), key(77));
    check("search: sparse", () -> scores(client.search(request("sparse", 2, new SparseFloatVec(weights(7, 107))).build())),
        Arrays.asList(3.25, 3.25));
  }

  private static SortedMap<Long, Float> weights(long two, long one) {
    SortedMap<Long, Float> weights = new TreeMap<>();
    weights.put(two, 2f);
    weights.put(one, 1f);
    return weights;
  }

  private static SearchResp hybridSearch(MilvusClientV2 client, CreateCollectionReq.Function ranker) {
    AnnSearchReq dense = AnnSearchReq.builder().vectorFieldName("dense").limit(20)
        .vectors(Collections.singletonList(new FloatVec(dense(60)))).params("{\"ef\": 64}").build();
    AnnSearchReq sparse = AnnSearchReq.builder().vectorFieldName("sparse").limit(20).filter("rank in [61, 62]")
        .vectors(Collections.singletonList(new SparseFloatVec(weights(11, 101)))).build();
    return client.hybridSearch(HybridSearchReq.builder().collectionName(NAME).searchRequests(Arrays.asList(dense, sparse))
        .ranker(ranker).limit(2).build());
  }

  private static void hybrid(MilvusClientV2 client) {
    check("hybrid: RRF scores", () -> scores(hybridSearch(client, new RRFRanker(60))), Arrays.asList(1 / 61.0, 1 / 61.0));
    check("hybrid: weights prefer", () -> first(hybridSearch(client, new WeightedRanker(Arrays.asList(0.01f, 0.99f)))), key(61));
    check("hybrid: weights prefer the other", () -> first(hybridSearch(client, new WeightedRanker(Arrays.asList(0.99f, 0.01f)))), key(60));
  }

  static void after(MilvusClientV2 client) {
    unchanged(client);
    check("types: after a restart new rows go in", () -> insert(client, Rows.row(250)).getInsertCnt(), 1);
    check("types: and are read", () -> entitiesOf(client.get(GetReq.builder().collectionName(NAME)
        .ids(Collections.singletonList(key(250))).build()).getGetResults()), Collections.singletonList(Rows.stored(250)));
    badRows(client);
  }

  private static void badRows(MilvusClientV2 client) {
    JsonObject longText = Rows.row(300);
    longText.addProperty("key", "x".repeat(33));
    fails("bad: a text that is too long", () -> insert(client, Rows.row(301), longText), 0, "max");
    JsonObject noVector = Rows.row(300);
    noVector.remove("dense");
    fails("bad: a missing vector", () -> insert(client, noVector), 0, "dense");
    JsonObject tooMany = Rows.row(300);
    tooMany.add("flags", new com.google.gson.Gson().toJsonTree(new boolean[5]));
    fails("bad: too many elements", () -> insert(client, Rows.row(301), tooMany), 0, "");
    fails("bad: an unknown partition", () -> client.insert(InsertReq.builder().collectionName(NAME).partitionName("nowhere")
        .data(Collections.singletonList(Rows.row(300))).build()), 200, "partition not found");
    fails("bad: an unknown collection", () -> client.query(QueryReq.builder().collectionName("nothing").filter("a > 1").build()), 100, "collection");
    fails("bad: a filter", () -> keys(client, "rank >"), 1100, "cannot parse expression");
    fails("bad: a vector of another dimension", () -> client.search(request("dense", 5, new FloatVec(new float[] {1, 2})).build()),
        1100, "vector dimension mismatch");
    fails("bad: a merge of a new key without its vectors", () -> merge(client, "{\"key\": \"new\", \"body\": \"x\"}"),
        1100, "has no corresponding fieldData pass in");
    check("bad: nothing of it was stored", () -> client.get(GetReq.builder().collectionName(NAME)
        .ids(Arrays.asList(key(300), key(301), "new")).build()).getGetResults().size(), 0);
  }
}
