// A collection with every type the client knows: written by columns, read back, searched, paged.
package main

import (
	"fmt"
	"io"
	"sort"

	"github.com/milvus-io/milvus/client/v2/column"
	"github.com/milvus-io/milvus/client/v2/entity"
	"github.com/milvus-io/milvus/client/v2/index"
	"github.com/milvus-io/milvus/client/v2/milvusclient"
)

const (
	typesName = "all_types"
	rowCount  = 200
	dim       = 8
	long      = int64(1) << 60
)

var words = []string{"river", "mountain", "kestrel", "harbour", "lantern"}

// dense vectors hold 32nds between -8 and 8, exact in 16 bits as well. No two rows are alike.
func dense(number int) []float32 {
	vector := make([]float32, dim)
	for place := range vector {
		vector[place] = float32((number*37+place*53+number*place*11)%509-254) / 32
	}
	return vector
}

func bytesOf(number int) []int8 {
	vector := make([]int8, dim)
	for place, value := range dense(number) {
		vector[place] = int8(value * 8)
	}
	return vector
}

func sparseOf(number int) map[uint32]float32 {
	return map[uint32]float32{uint32(number % 50): 1.5, uint32(100 + number%10): 0.25}
}

func embedding(weights map[uint32]float32) entity.SparseEmbedding {
	positions, values := []uint32{}, []float32{}
	for position := range weights {
		positions = append(positions, position)
	}
	sort.Slice(positions, func(i, j int) bool { return positions[i] < positions[j] })
	for _, position := range positions {
		values = append(values, weights[position])
	}
	found, err := entity.NewSliceSparseEmbedding(positions, values)
	if err != nil {
		panic(err)
	}
	return found
}

// typesRow is row number as results show it.
func typesRow(number int) map[string]any {
	row := map[string]any{
		"key":     int64(number),
		"yes":     number%2 == 0,
		"tiny":    int8(number%256 - 128),
		"small":   int16(number * 100),
		"middle":  int32(number * 1_000_000),
		"large":   long + int64(number),
		"single":  float32(number) / 4,
		"real":    float64(number) / 3,
		"body":    fmt.Sprintf("%s number %d", words[number%5], number),
		"doc":     document(fmt.Sprintf(`{"n":%d,"deep":{"list":[%d,"x",null,true]},"text":"Grüße ☀"}`, number, number)),
		"numbers": []int64{long, int64(number)},
		"tags":    []string{words[number%5], "all"},
		"dense":   dense(number),
		"half":    dense(number),
		"brain":   dense(number),
		"bits":    []byte{byte(number), byte(number / 256)},
		"bytes":   bytesOf(number),
		"sparse":  sparseOf(number),
		"$meta":   document(fmt.Sprintf(`{"color":%q,"rank":%d}`, words[number%3], number)),
	}
	if number%5 == 0 {
		row["yes"], row["tiny"], row["single"], row["doc"], row["numbers"] = nil, nil, nil, nil, nil
	}
	return row
}

// nullable is a column of the values that are not null, and which those are.
func nullable[T any, C column.Column](name string, rows []map[string]any, of func(any) T,
	create func(string, []T, []bool, ...column.ColumnOption[T]) (C, error)) column.Column {
	values, valid := []T{}, make([]bool, len(rows))
	for i, row := range rows {
		if row[name] != nil {
			valid[i] = true
			values = append(values, of(row[name]))
		}
	}
	col, err := create(name, values, valid)
	if err != nil {
		panic(err)
	}
	return col
}

func plain[T any](name string, rows []map[string]any) []T {
	values := make([]T, len(rows))
	for i, row := range rows {
		values[i] = row[name].(T)
	}
	return values
}

func as[T any](value any) T { return value.(T) }

func typesColumns(numbers ...int) []column.Column {
	rows := []map[string]any{}
	meta, sparse := [][]byte{}, []entity.SparseEmbedding{}
	for _, number := range numbers {
		row := typesRow(number)
		rows = append(rows, row)
		meta = append(meta, []byte(row["$meta"].(document)))
		sparse = append(sparse, embedding(sparseOf(number)))
	}
	return []column.Column{
		column.NewColumnInt64("key", plain[int64]("key", rows)),
		nullable("yes", rows, as[bool], column.NewNullableColumnBool),
		nullable("tiny", rows, as[int8], column.NewNullableColumnInt8),
		column.NewColumnInt16("small", plain[int16]("small", rows)),
		column.NewColumnInt32("middle", plain[int32]("middle", rows)),
		column.NewColumnInt64("large", plain[int64]("large", rows)),
		nullable("single", rows, as[float32], column.NewNullableColumnFloat),
		column.NewColumnDouble("real", plain[float64]("real", rows)),
		column.NewColumnVarChar("body", plain[string]("body", rows)),
		nullable("doc", rows, func(v any) []byte { return []byte(v.(document)) }, column.NewNullableColumnJSONBytes),
		nullable("numbers", rows, as[[]int64], column.NewNullableColumnInt64Array),
		column.NewColumnVarCharArray("tags", plain[[]string]("tags", rows)),
		column.NewColumnFloatVector("dense", dim, plain[[]float32]("dense", rows)),
		column.NewColumnFloat16VectorFromFp32Vector("half", dim, plain[[]float32]("half", rows)),
		column.NewColumnBFloat16VectorFromFp32Vector("brain", dim, plain[[]float32]("brain", rows)),
		column.NewColumnBinaryVector("bits", 16, plain[[]byte]("bits", rows)),
		column.NewColumnInt8Vector("bytes", dim, plain[[]int8]("bytes", rows)),
		column.NewColumnSparseVectors("sparse", sparse),
		column.NewColumnJSONBytes("$meta", meta).WithIsDynamic(true),
	}
}

func createTypes(client *milvusclient.Client) error {
	field := func(name string, kind entity.FieldType) *entity.Field {
		return entity.NewField().WithName(name).WithDataType(kind)
	}
	schema := entity.NewSchema().WithName(typesName).WithDynamicFieldEnabled(true)
	for _, one := range []*entity.Field{
		field("key", entity.FieldTypeInt64).WithIsPrimaryKey(true),
		field("yes", entity.FieldTypeBool).WithNullable(true),
		field("tiny", entity.FieldTypeInt8).WithNullable(true),
		field("small", entity.FieldTypeInt16),
		field("middle", entity.FieldTypeInt32),
		field("large", entity.FieldTypeInt64),
		field("single", entity.FieldTypeFloat).WithNullable(true),
		field("real", entity.FieldTypeDouble),
		field("body", entity.FieldTypeVarChar).WithMaxLength(200),
		field("label", entity.FieldTypeVarChar).WithMaxLength(20).WithDefaultValueString("none"),
		field("doc", entity.FieldTypeJSON).WithNullable(true),
		field("numbers", entity.FieldTypeArray).WithElementType(entity.FieldTypeInt64).WithMaxCapacity(8).WithNullable(true),
		field("tags", entity.FieldTypeArray).WithElementType(entity.FieldTypeVarChar).WithMaxCapacity(8).WithMaxLength(20),
		field("dense", entity.FieldTypeFloatVector).WithDim(dim),
		field("half", entity.FieldTypeFloat16Vector).WithDim(dim),
		field("brain", entity.FieldTypeBFloat16Vector).WithDim(dim),
		field("bits", entity.FieldTypeBinaryVector).WithDim(16),
		field("bytes", entity.FieldTypeInt8Vector).WithDim(dim),
		field("sparse", entity.FieldTypeSparseVector),
	} {
		schema.WithField(one)
	}
	on := func(name string, kind index.Index) milvusclient.CreateIndexOption {
		return milvusclient.NewCreateIndexOption(typesName, name, kind)
	}
	err := client.CreateCollection(ctx, milvusclient.NewCreateCollectionOption(typesName, schema).
		WithConsistencyLevel(entity.ClStrong).WithIndexOptions(
		milvusclient.NewCreateIndexOption(typesName, "dense", index.NewHNSWIndex(entity.L2, 16, 100)).WithIndexName("by_dense"),
		on("half", index.NewAutoIndex(entity.COSINE)), on("brain", index.NewFlatIndex(entity.IP)),
		on("bits", index.NewBinFlatIndex(entity.HAMMING)), on("bytes", index.NewHNSWIndex(entity.L2, 8, 64)),
		on("sparse", index.NewSparseInvertedIndex(entity.IP, 0.1)),
		on("large", index.NewSortedIndex()), on("body", index.NewInvertedIndex()), on("tags", index.NewBitmapIndex())))
	if err != nil {
		return err
	}
	load, err := client.LoadCollection(ctx, milvusclient.NewLoadCollectionOption(typesName))
	if err != nil {
		return err
	}
	return load.Await(ctx)
}

func upTo(count int) []int {
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

func entitiesBefore(client *milvusclient.Client) {
	does("types: the collection is created, indexed, loaded", createTypes(client))
	inserted, err := client.Insert(ctx, milvusclient.NewColumnBasedInsertOption(typesName, typesColumns(upTo(rowCount)...)...))
	check("types: insert counts", inserted.InsertCount, err, int64(rowCount))
	if err != nil {
		return
	}
	check("types: and answers the keys", inserted.IDs.Len(), nil, rowCount)
	flush, err := client.Flush(ctx, milvusclient.NewFlushOption(typesName))
	does("types: flush", err)
	does("types: flush ends", flush.Await(ctx))
	stats, err := client.GetCollectionStats(ctx, milvusclient.NewGetCollectionStatsOption(typesName))
	check("types: rows counted", stats["row_count"], err, fmt.Sprint(rowCount))
	merged, err := client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption(typesName).WithPartialUpdate(true).
		WithInt64Column("key", []int64{1}).WithVarcharColumn("body", []string{"merged"}).WithVarcharColumn("shade", []string{"dark"}))
	check("types: a merge", merged.UpsertCount, err, int64(1))
	deleted, err := client.Delete(ctx, milvusclient.NewDeleteOption(typesName).WithInt64IDs("key", []int64{190, 191}))
	check("types: delete by keys", deleted.DeleteCount, err, int64(2))
	deleted, err = client.Delete(ctx, milvusclient.NewDeleteOption(typesName).WithExpr("rank >= 192 and rank < 195"))
	check("types: delete by a filter", deleted.DeleteCount, err, int64(3))
	typesUnchanged(client)
}

func left() []int {
	numbers := []int{}
	for number := range rowCount {
		if number < 190 || number > 194 {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

func typesStored(number int) map[string]any {
	row := typesRow(number)
	row["label"] = "none"
	if number == 1 {
		row["body"] = "merged"
		row["$meta"] = document(`{"color":"mountain","rank":1,"shade":"dark"}`)
	}
	return row
}

func typesUnchanged(client *milvusclient.Client) {
	set, err := client.Query(ctx, milvusclient.NewQueryOption(typesName).WithFilter("key >= 0").WithOutputFields("*"))
	expected := []map[string]any{}
	for _, number := range left() {
		expected = append(expected, typesStored(number))
	}
	rows := rowsOf(set)
	for i := 0; i < len(rows) && i < len(expected) && err == nil; i++ {
		if !alike(rows[i], expected[i]) {
			check(fmt.Sprintf("types: row %d", i), rows[i], nil, expected[i])
			break
		}
	}
	check("types: every value of every row", len(rows) == len(expected) && alike(rows, expected), err, true)
	queries(client)
	iterators(client)
	searches(client)
}

func queries(client *milvusclient.Client) {
	keys := func(filter string) ([]int64, error) {
		set, err := client.Query(ctx, milvusclient.NewQueryOption(typesName).WithFilter(filter).WithOutputFields("key"))
		if err != nil {
			return nil, err
		}
		return int64s(set.GetColumn("key")), nil
	}
	holds := func(test func(int) bool) []int64 {
		found := []int64{}
		for _, number := range left() {
			if test(number) {
				found = append(found, int64(number))
			}
		}
		return found
	}
	for _, one := range []struct {
		what, filter string
		test         func(int) bool
	}{
		{"long integers", fmt.Sprintf("large == %d", long+77), func(n int) bool { return n == 77 }},
		{"is null", "yes is null", func(n int) bool { return n%5 == 0 }},
		{"like", `body like "kestrel%"`, func(n int) bool { return n%5 == 2 }},
		{"a path into JSON", `doc["deep"]["list"][0] == 42`, func(n int) bool { return n == 42 }},
		{"array_contains", `array_contains(tags, "river")`, func(n int) bool { return n%5 == 0 }},
		{"dynamic keys", `color == "kestrel" && rank > 100`, func(n int) bool { return n%3 == 2 && n > 100 }},
		{"not, or, in", "not (key in [1, 2, 3]) and (key < 6 or key == 50)", func(n int) bool { return n == 0 || n == 4 || n == 5 || n == 50 }},
	} {
		found, err := keys(one.filter)
		check("query: "+one.what, found, err, holds(one.test))
	}
	set, err := client.Query(ctx, milvusclient.NewQueryOption(typesName).WithOutputFields("count(*)"))
	check("query: count(*)", rowsOf(set), err, []map[string]any{{"count(*)": int64(rowCount - 5)}})
	set, err = client.Query(ctx, milvusclient.NewQueryOption(typesName).WithFilter("rank < {most}").
		WithTemplateParam("most", 4).WithLimit(2).WithOffset(1).WithOutputFields("body", "color"))
	check("query: a parameter, a limit, an offset", fmt.Sprint(strs(set.GetColumn("body"))), err, "[merged kestrel number 2]")
	color, err := set.GetColumn("color").GetAsString(1)
	check("query: a dynamic key", color, err, "kestrel")
	set, err = client.Get(ctx, milvusclient.NewQueryOption(typesName).WithIDs(column.NewColumnInt64("key", []int64{5, 191})).
		WithOutputFields("small"))
	check("query: get passes over deleted rows", rowsOf(set), err, []map[string]any{{"key": int64(5), "small": int16(500)}})
	set, err = client.Query(ctx, milvusclient.NewQueryOption(typesName).WithFilter("key < 0").WithOutputFields("*"))
	check("query: no row, no result", set.Len(), err, 0)
}

func iterators(client *milvusclient.Client) {
	pages, keys := 0, []int64{}
	byQuery, err := client.QueryIterator(ctx, milvusclient.NewQueryIteratorOption(typesName).WithBatchSize(50).
		WithFilter("key >= 20").WithOutputFields("key"))
	does("iterator: of a query", err)
	for err == nil {
		var set milvusclient.ResultSet
		if set, err = byQuery.Next(ctx); err == nil {
			pages++
			keys = append(keys, int64s(set.GetColumn("key"))...)
		}
	}
	expected := []int64{}
	for _, number := range left()[20:] {
		expected = append(expected, int64(number))
	}
	check("iterator: it ends with EOF", err == io.EOF, nil, true)
	check("iterator: every row once", keys, nil, expected)
	check("iterator: in pages", pages, nil, 4)

	bySearch, err := client.SearchIterator(ctx, milvusclient.NewSearchIteratorOption(typesName, entity.FloatVector(dense(7))).
		WithANNSField("dense").WithBatchSize(40).WithIteratorLimit(100))
	does("iterator: of a search", err)
	scores := []float32{}
	for err == nil {
		var set milvusclient.ResultSet
		if set, err = bySearch.Next(ctx); err == nil {
			scores = append(scores, set.Scores...)
		}
	}
	check("iterator: the 100 nearest, nearest first", scores, nil, nearest(7, 100, func(int) bool { return true }))
}

func nearest(target, limit int, holds func(int) bool) []float32 {
	scores := []float32{}
	for _, number := range left() {
		if !holds(number) {
			continue
		}
		sum := float32(0)
		for place, value := range dense(number) {
			difference := value - dense(target)[place]
			sum += difference * difference
		}
		scores = append(scores, sum)
	}
	sort.Slice(scores, func(i, j int) bool { return scores[i] < scores[j] })
	return scores[:min(limit, len(scores))]
}

func searches(client *milvusclient.Client) {
	target := []entity.Vector{entity.FloatVector(dense(123))}
	search := func(limit int, field string, vectors ...entity.Vector) ([]milvusclient.ResultSet, error) {
		return client.Search(ctx, milvusclient.NewSearchOption(typesName, limit, vectors).WithANNSField(field))
	}
	scores := func(sets []milvusclient.ResultSet) []float32 {
		if len(sets) == 0 {
			return nil
		}
		return sets[0].Scores
	}
	sets, err := search(10, "dense", target...)
	check("search: the nearest ten", scores(sets), err, nearest(123, 10, func(int) bool { return true }))
	sets, err = client.Search(ctx, milvusclient.NewSearchOption(typesName, 10, target).WithANNSField("dense").
		WithFilter(`color == {color}`).WithTemplateParam("color", "kestrel").WithAnnParam(index.NewHNSWAnnParam(64)))
	check("search: with a filter", scores(sets), err, nearest(123, 10, func(n int) bool { return n%3 == 2 }))
	sets, err = client.Search(ctx, milvusclient.NewSearchOption(typesName, 1, target).WithANNSField("dense").
		WithOutputFields("large", "dense", "rank"))
	check("search: hits carry fields", rowsOf(sets[0])[0]["large"], err, long+123)
	check("search: and vectors", rowsOf(sets[0])[0]["dense"], nil, dense(123))
	rank, err := sets[0].GetColumn("rank").GetAsInt64(0)
	check("search: and dynamic keys", rank, err, int64(123))
	sets, err = search(1, "dense", entity.FloatVector(dense(5)), entity.FloatVector(dense(6)))
	check("search: two vectors at once", hits(sets), err, [][]int64{{5}, {6}})
	sets, err = client.Search(ctx, milvusclient.NewSearchOption(typesName, 2, target).WithANNSField("dense").
		WithFilter("key in [10, 20, 31]").WithGroupByField("yes").WithOutputFields("yes"))
	check("search: one hit of each group", sets[0].Len(), err, 2)
	sets, err = search(1, "half", entity.FloatVector(dense(50)).ToFloat16Vector())
	check("search: float16", hits(sets), err, [][]int64{{50}})
	sets, err = client.Search(ctx, milvusclient.NewSearchOption(typesName, 1, []entity.Vector{entity.FloatVector(dense(50)).ToBFloat16Vector()}).
		WithANNSField("brain").WithFilter("key == 50"))
	check("search: bfloat16", hits(sets), err, [][]int64{{50}})
	sets, err = search(1, "bits", entity.BinaryVector([]byte{77, 0}))
	check("search: binary", hits(sets), err, [][]int64{{77}})
	sets, err = search(1, "bytes", entity.Int8Vector(bytesOf(77)))
	check("search: int8", hits(sets), err, [][]int64{{77}})
	sets, err = search(2, "sparse", embedding(map[uint32]float32{7: 2, 107: 1}))
	check("search: sparse", scores(sets), err, []float32{3.25, 3.25})

	requests := func() []*milvusclient.AnnRequest {
		return []*milvusclient.AnnRequest{
			milvusclient.NewAnnRequest("dense", 20, entity.FloatVector(dense(60))).WithAnnParam(index.NewHNSWAnnParam(64)),
			milvusclient.NewAnnRequest("sparse", 20, embedding(map[uint32]float32{11: 2, 101: 1})).WithFilter("key in [61, 62]"),
		}
	}
	sets, err = client.HybridSearch(ctx, milvusclient.NewHybridSearchOption(typesName, 2, requests()...).
		WithReranker(milvusclient.NewRRFReranker().WithK(60)).WithOutputFields("body"))
	check("hybrid: RRF scores", scores(sets), err, []float32{1.0 / 61, 1.0 / 61})
	sets, err = client.HybridSearch(ctx, milvusclient.NewHybridSearchOption(typesName, 1, requests()...).
		WithReranker(milvusclient.NewWeightedReranker([]float64{0.01, 0.99})))
	check("hybrid: weights prefer", hits(sets), err, [][]int64{{61}})
	sets, err = client.HybridSearch(ctx, milvusclient.NewHybridSearchOption(typesName, 1, requests()...).
		WithReranker(milvusclient.NewWeightedReranker([]float64{0.99, 0.01})))
	check("hybrid: weights prefer the other", hits(sets), err, [][]int64{{60}})
}

func entitiesAfter(client *milvusclient.Client) {
	typesUnchanged(client)
	inserted, err := client.Insert(ctx, milvusclient.NewColumnBasedInsertOption(typesName, typesColumns(250)...))
	check("types: after a restart new rows go in", inserted.InsertCount, err, int64(1))
	set, err := client.Get(ctx, milvusclient.NewQueryOption(typesName).WithIDs(column.NewColumnInt64("key", []int64{250})).WithOutputFields("*"))
	check("types: and are read", rowsOf(set), err, []map[string]any{typesStored(250)})
	badRows(client)
}

func badRows(client *milvusclient.Client) {
	columns := typesColumns(300)
	columns[8] = column.NewColumnVarChar("body", []string{string(make([]byte, 201))})
	_, err := client.Insert(ctx, milvusclient.NewColumnBasedInsertOption(typesName, columns...))
	fails("bad: a text that is too long", err, 1100, "exceeds max length")
	_, err = client.Insert(ctx, milvusclient.NewColumnBasedInsertOption(typesName, typesColumns(300)[:12]...))
	fails("bad: missing vectors", err, 1100, "has no corresponding fieldData pass in")
	_, err = client.Insert(ctx, milvusclient.NewColumnBasedInsertOption(typesName, typesColumns(300)...).WithPartition("nowhere"))
	fails("bad: an unknown partition", err, 200, "partition not found")
	_, err = client.Insert(ctx, milvusclient.NewColumnBasedInsertOption("nothing", typesColumns(300)...))
	fails("bad: an unknown collection", err, 100, "collection")
	_, err = client.Query(ctx, milvusclient.NewQueryOption(typesName).WithFilter("rank >"))
	fails("bad: a filter", err, 1100, "cannot parse expression")
	_, err = client.Search(ctx, milvusclient.NewSearchOption(typesName, 5, []entity.Vector{entity.FloatVector{1, 2}}).WithANNSField("dense"))
	fails("bad: a vector of another dimension", err, 1100, "vector dimension mismatch")
	_, err = client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption(typesName).WithPartialUpdate(true).
		WithInt64Column("key", []int64{400}).WithVarcharColumn("body", []string{"x"}))
	fails("bad: a merge of a new key without its vectors", err, 1100, "has no corresponding fieldData pass in")
	set, err := client.Get(ctx, milvusclient.NewQueryOption(typesName).WithIDs(column.NewColumnInt64("key", []int64{300, 400})).WithOutputFields("key"))
	check("bad: nothing of it was stored", set.Len(), err, 0)
}
