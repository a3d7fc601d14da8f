// The examples of the page "Upsert Entities" in Go, and what they leave behind.
package main

import (
	"fmt"

	"github.com/milvus-io/milvus/client/v2/column"
	"github.com/milvus-io/milvus/client/v2/entity"
	"github.com/milvus-io/milvus/client/v2/index"
	"github.com/milvus-io/milvus/client/v2/milvusclient"
)

const pageName = "my_collection"

var pageVectors = [][]float32{
	{0.3580376395471989, -0.6023495712049978, 0.18414012509913835, -0.26286205330961354, 0.9029438446296592},
	{0.19886812562848388, 0.06023560599112088, 0.6976963061752597, 0.2614474506242501, 0.838729485096104},
	{0.43742130801983836, -0.5597502546264526, 0.6457887650909682, 0.7894058910881185, 0.20785793220625592},
}
var pageTitles = []string{"Artificial Intelligence in Real Life", "Hollow Man", "Treasure Hunt in Missouri"}
var pageIssues = []string{"vol.12", "vol.19", "vol.12"}
var partitionTitles = []string{"Layour Design Reference", "Doraemon and His Friends", "Pikkachu and Pokemon"}
var partitionIssues = []string{"vol.34", "vol.2", "vol.12"}

// The merge of the page names rows 3 and 12 and no partition: it reads the default partition, so both are there before.
var thereVectors = [][]float32{{0.1, 0.2, 0.3, 0.4, 0.5}, {0.5, 0.4, 0.3, 0.2, 0.1}}

func createPage(client *milvusclient.Client) error {
	schema := entity.NewSchema().WithName(pageName).WithDynamicFieldEnabled(true).
		WithField(entity.NewField().WithName("id").WithDataType(entity.FieldTypeInt64).WithIsPrimaryKey(true)).
		WithField(entity.NewField().WithName("vector").WithDataType(entity.FieldTypeFloatVector).WithDim(5)).
		WithField(entity.NewField().WithName("title").WithDataType(entity.FieldTypeVarChar).WithMaxLength(512)).
		WithField(entity.NewField().WithName("issue").WithDataType(entity.FieldTypeVarChar).WithMaxLength(64).WithNullable(true))
	err := client.CreateCollection(ctx, milvusclient.NewCreateCollectionOption(pageName, schema).WithIndexOptions(
		milvusclient.NewCreateIndexOption(pageName, "vector", index.NewAutoIndex(entity.COSINE))))
	if err != nil {
		return err
	}
	if err = client.CreatePartition(ctx, milvusclient.NewCreatePartitionOption(pageName, "partitionA")); err != nil {
		return err
	}
	load, err := client.LoadCollection(ctx, milvusclient.NewLoadCollectionOption(pageName))
	if err != nil {
		return err
	}
	if err = load.Await(ctx); err != nil {
		return err
	}
	_, err = client.Insert(ctx, milvusclient.NewColumnBasedInsertOption(pageName).
		WithInt64Column("id", []int64{3, 12}).
		WithFloatVectorColumn("vector", 5, thereVectors).
		WithVarcharColumn("title", []string{"There Before", "There As Well"}).
		WithVarcharColumn("issue", []string{"vol.3", "vol.12"}))
	return err
}

// pageUpserts runs the three examples. The page gives ten ids for three vectors, and columns of the type String, which
// no schema can have: the client itself refuses both. So the examples run with the ids that belong to the vectors, and
// with columns of the type VarChar.
func pageUpserts(client *milvusclient.Client) {
	var titleColumn column.Column = column.NewColumnString("title", pageTitles)
	var issueColumn column.Column = column.NewColumnString("issue", pageIssues)
	_, err := client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption("my_collection").
		WithInt64Column("id", []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).
		WithFloatVectorColumn("vector", 5, pageVectors).
		WithColumns(titleColumn, issueColumn))
	fails("page: ten ids for three vectors are refused by the client", err, 0, "column size not match")
	_, err = client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption("my_collection").
		WithColumns(titleColumn, issueColumn))
	fails("page: columns of the type String are refused by the client", err, 0, "collection schema mismatch")

	titleColumn, issueColumn = asVarChar(titleColumn), asVarChar(issueColumn)

	result, err := client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption("my_collection").
		WithInt64Column("id", []int64{0, 1, 2}).
		WithFloatVectorColumn("vector", 5, pageVectors).
		WithColumns(titleColumn, issueColumn))
	check("page: upsert entities in a collection", result.UpsertCount, err, int64(3))

	titleColumn = asVarChar(column.NewColumnString("title", partitionTitles))
	issueColumn = asVarChar(column.NewColumnString("issue", partitionIssues))
	result, err = client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption("my_collection").
		WithPartition("partitionA").
		WithInt64Column("id", []int64{10, 11, 12}).
		WithFloatVectorColumn("vector", 5, pageVectors).
		WithColumns(titleColumn, issueColumn))
	check("page: upsert entities in a partition", result.UpsertCount, err, int64(3))

	pkColumn := column.NewColumnInt64("id", []int64{3, 12})
	issueColumn = asVarChar(column.NewColumnString("issue", []string{"vol.17", "vol.7"}))
	result, err = client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption("my_collection").
		WithColumns(pkColumn, issueColumn).
		WithPartialUpdate(true))
	check("page: upsert entities in merge mode", result.UpsertCount, err, int64(2))
}

func asVarChar(col column.Column) column.Column {
	return column.NewColumnVarChar(col.Name(), strs(col))
}

func pageRow(id int64, vector []float32, title string, issue any) map[string]any {
	return map[string]any{"id": id, "vector": vector, "title": title, "issue": issue}
}

func pageRead(client *milvusclient.Client, partition string) ([]map[string]any, error) {
	set, err := client.Query(ctx, milvusclient.NewQueryOption(pageName).WithFilter("id >= 0").
		WithPartitions(partition).WithOutputFields("id", "vector", "title", "issue"))
	return rowsOf(set), err
}

func pageUnchanged(client *milvusclient.Client) {
	inDefault, inPartition := []map[string]any{}, []map[string]any{}
	for i := range pageVectors {
		inDefault = append(inDefault, pageRow(int64(i), pageVectors[i], pageTitles[i], pageIssues[i]))
		inPartition = append(inPartition, pageRow(int64(10+i), pageVectors[i], partitionTitles[i], partitionIssues[i]))
	}
	inDefault = append(inDefault, pageRow(3, thereVectors[0], "There Before", "vol.17"),
		pageRow(12, thereVectors[1], "There As Well", "vol.7"))
	rows, err := pageRead(client, "_default")
	check("page: every value of the collection", rows, err, inDefault)
	rows, err = pageRead(client, "partitionA")
	check("page: every value of partitionA", rows, err, inPartition)
	sets, err := client.Search(ctx, milvusclient.NewSearchOption(pageName, 1, []entity.Vector{entity.FloatVector(pageVectors[1])}).
		WithPartitions("_default").WithOutputFields("title"))
	check("page: the nearest row is the row itself", fmt.Sprint(hits(sets), titlesOf(sets)), err, "[[1]] [Hollow Man]")
}

func titlesOf(sets []milvusclient.ResultSet) []string {
	if len(sets) == 0 || sets[0].GetColumn("title") == nil {
		return nil
	}
	return strs(sets[0].GetColumn("title"))
}

func pageBefore(client *milvusclient.Client) {
	does("page: the collection is created with partitionA", createPage(client))
	pageUpserts(client)
	pageUnchanged(client)
}

func pageAfter(client *milvusclient.Client) {
	pageUnchanged(client)
	pageUpserts(client)
	pageUnchanged(client)
	result, err := client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption(pageName).WithPartition("partitionA").
		WithInt64Column("id", []int64{12}).WithVarcharColumn("issue", []string{"vol.8"}).WithPartialUpdate(true))
	check("page: a merge that names the partition", result.UpsertCount, err, int64(1))
	rows, err := pageRead(client, "partitionA")
	check("page: changes the copy in it", len(rows) == 3 && rows[2]["issue"] == "vol.8", err, true)
	pageNotes(client)
}

// pageNotes: the special notes about nulls and dynamic keys.
func pageNotes(client *milvusclient.Client) {
	whole := func() []column.Column {
		return []column.Column{
			column.NewColumnInt64("id", []int64{20}),
			column.NewColumnFloatVector("vector", 5, [][]float32{{1, 2, 3, 4, 5}}),
			column.NewColumnVarChar("title", []string{"Notes"}),
		}
	}
	stored := func(err error) (any, error) {
		if err != nil {
			return nil, err
		}
		set, err := client.Get(ctx, milvusclient.NewQueryOption(pageName).
			WithIDs(column.NewColumnInt64("id", []int64{20})).WithOutputFields("issue", "$meta"))
		if err != nil || set.Len() != 1 {
			return set.Len(), err
		}
		row := rowsOf(set)[0]
		delete(row, "id")
		return row, nil
	}
	_, err := client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption(pageName, whole()...).
		WithVarcharColumn("issue", []string{"vol.1"}).
		WithVarcharColumn("author", []string{"John"}).WithInt64Column("year", []int64{2020}))
	found, err := stored(err)
	check("page: dynamic keys are stored", found, err,
		map[string]any{"issue": "vol.1", "$meta": document(`{"author":"John","year":2020}`)})
	_, err = client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption(pageName).WithPartialUpdate(true).
		WithInt64Column("id", []int64{20}).
		WithVarcharColumn("author", []string{"Jane"}).WithVarcharColumn("genre", []string{"fantasy"}))
	found, err = stored(err)
	check("page: a merge keeps the issue and merges dynamic keys", found, err,
		map[string]any{"issue": "vol.1", "$meta": document(`{"author":"Jane","year":2020,"genre":"fantasy"}`)})
	_, err = client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption(pageName, whole()...).
		WithVarcharColumn("genre", []string{"fantasy"}))
	found, err = stored(err)
	check("page: override makes the issue null and drops other keys", found, err,
		map[string]any{"issue": nil, "$meta": document(`{"genre":"fantasy"}`)})
	deleted, err := client.Delete(ctx, milvusclient.NewDeleteOption(pageName).WithInt64IDs("id", []int64{20}))
	check("page: the row is deleted again", deleted.DeleteCount, err, int64(1))
}
