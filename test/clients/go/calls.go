// The calls around the rows: partitions, aliases, databases, indexes, loading, properties, fields, and wrong uses.
package main

import (
	"fmt"
	"sort"

	"github.com/milvus-io/milvus/client/v2/column"
	"github.com/milvus-io/milvus/client/v2/entity"
	"github.com/milvus-io/milvus/client/v2/index"
	"github.com/milvus-io/milvus/client/v2/milvusclient"
)

type book struct {
	ID     int64     `milvus:"name:id"`
	Vector []float32 `milvus:"name:vector"`
}

func quickRows(ids ...int64) []any {
	rows := []any{}
	for _, id := range ids {
		rows = append(rows, &book{ID: id, Vector: []float32{float32(id), 1}})
	}
	return rows
}

// simple is a collection of a name and a dimension; the client would have the server make the keys if not told otherwise.
func simple(name string, dimension int64) milvusclient.CreateCollectionOption {
	return milvusclient.SimpleCreateCollectionOptions(name, dimension).WithAutoID(false)
}

func callsBefore(client *milvusclient.Client) {
	version, err := client.GetServerVersion(ctx, milvusclient.NewGetServerVersionOption())
	check("session: the server has a version", len(version) > 2, err, true)
	does("quick: a collection of a name and a dimension",
		client.CreateCollection(ctx, simple("quick", 2)))
	inserted, err := client.Insert(ctx, milvusclient.NewRowBasedInsertOption("quick", quickRows(1, 2, 3)...))
	check("quick: rows from structs", inserted.InsertCount, err, int64(3))
	has, err := client.HasCollection(ctx, milvusclient.NewHasCollectionOption("quick"))
	check("quick: it exists", has, err, true)
	has, err = client.HasCollection(ctx, milvusclient.NewHasCollectionOption("nothing"))
	check("quick: another does not", has, err, false)
	fails("quick: the name with another dimension",
		client.CreateCollection(ctx, simple("quick", 3)), 1100, "different parameters")
	automatic(client)
	partitionCalls(client)
	aliasCalls(client)
	databaseCalls(client)
	loadCalls(client)
	indexCalls(client)
	does("users: one with a role", client.CreateUser(ctx, milvusclient.NewCreateUserOption("reader_user", "secret12")),
		client.CreateRole(ctx, milvusclient.NewCreateRoleOption("reader_role")),
		client.GrantPrivilegeV2(ctx, milvusclient.NewGrantPrivilegeV2Option("reader_role", "Search", "*").WithDbName("default")),
		client.GrantRole(ctx, milvusclient.NewGrantRoleOption("reader_user", "reader_role")))
	does("properties: set", client.AlterCollectionProperties(ctx,
		milvusclient.NewAlterCollectionPropertiesOption("quick").WithProperty("collection.ttl.seconds", 86400)))
	does("fields: added", client.AddCollectionField(ctx, milvusclient.NewAddCollectionFieldOption("quick",
		entity.NewField().WithName("stars").WithDataType(entity.FieldTypeInt64).WithNullable(true))))
	_, err = client.Insert(ctx, milvusclient.NewColumnBasedInsertOption("quick").WithInt64Column("id", []int64{50}).
		WithFloatVectorColumn("vector", 2, [][]float32{{1, 1}}).WithInt64Column("stars", []int64{5}))
	does("fields: a row with it", err)
	callsUnchanged(client)
}

func automatic(client *milvusclient.Client) {
	does("automatic keys: created", client.CreateCollection(ctx, milvusclient.SimpleCreateCollectionOptions("automatic", 2).WithAutoID(true)))
	inserted, err := client.Insert(ctx, milvusclient.NewColumnBasedInsertOption("automatic").
		WithFloatVectorColumn("vector", 2, [][]float32{{1, 2}, {3, 4}}))
	check("automatic keys: given", inserted.InsertCount, err, int64(2))
	set, err := client.Get(ctx, milvusclient.NewQueryOption("automatic").WithIDs(inserted.IDs).WithOutputFields("vector"))
	check("automatic keys: lead to the rows", set.Len(), err, 2)
	does("names: renamed", client.RenameCollection(ctx, milvusclient.NewRenameCollectionOption("automatic", "renamed")))
	does("names: dropped twice", client.DropCollection(ctx, milvusclient.NewDropCollectionOption("renamed")),
		client.DropCollection(ctx, milvusclient.NewDropCollectionOption("renamed")))
	does("text keys: created", client.CreateCollection(ctx, milvusclient.SimpleCreateCollectionOptions("texts", 2).WithAutoID(false).WithVarcharPK(true, 16)))
	_, err = client.Insert(ctx, milvusclient.NewColumnBasedInsertOption("texts").
		WithVarcharColumn("id", []string{"it's", "b"}).WithFloatVectorColumn("vector", 2, [][]float32{{1, 2}, {3, 4}}))
	does("text keys: inserted", err)
	deleted, err := client.Delete(ctx, milvusclient.NewDeleteOption("texts").WithStringIDs("id", []string{"it's"}))
	check("text keys: deleted", deleted.DeleteCount, err, int64(1))
	does("text keys: dropped", client.DropCollection(ctx, milvusclient.NewDropCollectionOption("texts")))
}

func partitionCalls(client *milvusclient.Client) {
	does("partitions: created", client.CreatePartition(ctx, milvusclient.NewCreatePartitionOption("quick", "east")),
		client.CreatePartition(ctx, milvusclient.NewCreatePartitionOption("quick", "gone")))
	_, err := client.Insert(ctx, milvusclient.NewColumnBasedInsertOption("quick").WithPartition("east").
		WithInt64Column("id", []int64{10, 11}).WithFloatVectorColumn("vector", 2, [][]float32{{9, 9}, {8, 8}}))
	does("partitions: rows go in", err)
	has, err := client.HasPartition(ctx, milvusclient.NewHasPartitionOption("quick", "east"))
	check("partitions: asked for", has, err, true)
	fails("partitions: a loaded one is not dropped", client.DropPartition(ctx, milvusclient.NewDropPartitionOption("quick", "gone")), 1100, "release")
	does("partitions: released and dropped", client.ReleasePartitions(ctx, milvusclient.NewReleasePartitionsOptions("quick", "gone")),
		client.DropPartition(ctx, milvusclient.NewDropPartitionOption("quick", "gone")))
}

func aliasCalls(client *milvusclient.Client) {
	does("aliases: created and moved", client.CreateAlias(ctx, milvusclient.NewCreateAliasOption(pageName, "compass")),
		client.AlterAlias(ctx, milvusclient.NewAlterAliasOption("compass", "quick")))
	_, err := client.DescribeAlias(ctx, milvusclient.NewDescribeAliasOption("nobody"))
	fails("aliases: an unknown one", err, 1600, "alias not found")
	fails("aliases: no collection of that name", client.CreateCollection(ctx, simple("compass", 2)), 1601, "alias")
	does("aliases: dropped", client.CreateAlias(ctx, milvusclient.NewCreateAliasOption("quick", "brief")),
		client.DropAlias(ctx, milvusclient.NewDropAliasOption("brief")))
}

func databaseCalls(client *milvusclient.Client) {
	does("databases: created", client.CreateDatabase(ctx, milvusclient.NewCreateDatabaseOption("library").WithProperty("database.max.collections", 8)))
	library := connect("library")
	does("databases: a collection in it", library.CreateCollection(ctx, simple("books", 2)))
	_, err := library.Insert(ctx, milvusclient.NewRowBasedInsertOption("books", quickRows(7)...))
	does("databases: a row in it", err, library.Close(ctx))
	fails("databases: a full one is not dropped", client.DropDatabase(ctx, milvusclient.NewDropDatabaseOption("library")), 1100, "not empty")
	does("databases: an empty one is", client.CreateDatabase(ctx, milvusclient.NewCreateDatabaseOption("empty")),
		client.DropDatabase(ctx, milvusclient.NewDropDatabaseOption("empty")))
}

func loadCalls(client *milvusclient.Client) {
	does("load: a collection released", client.CreateCollection(ctx, simple("idle", 2)),
		client.ReleaseCollection(ctx, milvusclient.NewReleaseCollectionOption("idle")))
	_, err := client.Search(ctx, milvusclient.NewSearchOption("idle", 1, []entity.Vector{entity.FloatVector{1, 2}}))
	fails("load: it is not searched", err, 101, "collection not loaded")
	_, err = client.LoadCollection(ctx, milvusclient.NewLoadCollectionOption("nothing"))
	fails("load: an unknown one", err, 100, "collection")
	load, err := client.LoadPartitions(ctx, milvusclient.NewLoadPartitionsOption("idle", "_default"))
	does("load: a partition", err)
	does("load: it ends", load.Await(ctx))
	load, err = client.RefreshLoad(ctx, milvusclient.NewRefreshLoadOption("quick"))
	does("load: refreshed", err)
	does("load: that ends as well", load.Await(ctx))
	does("load: released again", client.ReleaseCollection(ctx, milvusclient.NewReleaseCollectionOption("idle")))
}

func indexCalls(client *milvusclient.Client) {
	schema := entity.NewSchema().WithName("bare").
		WithField(entity.NewField().WithName("id").WithDataType(entity.FieldTypeInt64).WithIsPrimaryKey(true)).
		WithField(entity.NewField().WithName("vector").WithDataType(entity.FieldTypeFloatVector).WithDim(2)).
		WithField(entity.NewField().WithName("doc").WithDataType(entity.FieldTypeJSON))
	does("indexes: a collection without", client.CreateCollection(ctx, milvusclient.NewCreateCollectionOption("bare", schema)))
	_, err := client.LoadCollection(ctx, milvusclient.NewLoadCollectionOption("bare"))
	fails("indexes: it is not loaded", err, 700, "index not found")
	create := func(kind index.Index) error {
		task, err := client.CreateIndex(ctx, milvusclient.NewCreateIndexOption("bare", "vector", kind))
		if err != nil {
			return err
		}
		return task.Await(ctx)
	}
	does("indexes: created, and again", create(index.NewIvfFlatIndex(entity.L2, 16)), create(index.NewIvfFlatIndex(entity.L2, 16)))
	fails("indexes: a second one", create(index.NewFlatIndex(entity.IP)), 1100, "at most one distinct index is allowed per field")
	_, err = client.CreateIndex(ctx, milvusclient.NewCreateIndexOption("bare", "doc",
		index.NewJSONPathIndex(index.Inverted, "double", `doc["price"]`)).WithIndexName("price"))
	does("indexes: of a path into JSON", err)
	names, err := client.ListIndexes(ctx, milvusclient.NewListIndexOption("bare"))
	sort.Strings(names)
	check("indexes: listed", names, err, []string{"price", "vector"})
	does("indexes: altered", client.AlterIndexProperties(ctx, milvusclient.NewAlterIndexPropertiesOption("bare", "vector").WithProperty("mmap.enabled", true)))
	found, err := client.DescribeIndex(ctx, milvusclient.NewDescribeIndexOption("bare", "vector"))
	if err == nil {
		check("indexes: the property shows", found.Params()["mmap.enabled"], err, "true")
	} else {
		does("indexes: described", err)
	}
	does("indexes: the property dropped", client.DropIndexProperties(ctx, milvusclient.NewDropIndexPropertiesOption("bare", "vector", "mmap.enabled")))
	does("indexes: dropped", client.DropIndex(ctx, milvusclient.NewDropIndexOption("bare", "vector")),
		client.DropCollection(ctx, milvusclient.NewDropCollectionOption("bare")))
}

func callsUnchanged(client *milvusclient.Client) {
	names, err := client.ListCollections(ctx, milvusclient.NewListCollectionOption())
	sort.Strings(names)
	check("calls: the collections", names, err, []string{typesName, "idle", pageName, "quick"})
	described, err := client.DescribeCollection(ctx, milvusclient.NewDescribeCollectionOption("compass"))
	if err == nil {
		check("calls: described by its alias", described.Name, err, "quick")
		check("calls: its properties", described.Properties["collection.ttl.seconds"], err, "86400")
		check("calls: its fields", len(described.Schema.Fields), err, 3)
	} else {
		does("calls: described", err)
	}
	partitions, err := client.ListPartitions(ctx, milvusclient.NewListPartitionOption("quick"))
	sort.Strings(partitions)
	check("partitions: listed", partitions, err, []string{"_default", "east"})
	stats, err := client.GetPartitionStats(ctx, milvusclient.NewGetPartitionStatsOption("quick", "east"))
	check("partitions: rows counted", stats["row_count"], err, "2")
	aliases, err := client.ListAliases(ctx, milvusclient.NewListAliasesOption("quick"))
	check("aliases: listed", aliases, err, []string{"compass"})
	alias, err := client.DescribeAlias(ctx, milvusclient.NewDescribeAliasOption("compass"))
	if err == nil {
		check("aliases: described", alias.CollectionName, err, "quick")
	} else {
		does("aliases: described", err)
	}
	databases, err := client.ListDatabase(ctx, milvusclient.NewListDatabaseOption())
	sort.Strings(databases)
	check("databases: listed", databases, err, []string{"default", "library"})
	database, err := client.DescribeDatabase(ctx, milvusclient.NewDescribeDatabaseOption("library"))
	if err == nil {
		check("databases: described", database.Properties["database.max.collections"], err, "8")
	} else {
		does("databases: described", err)
	}
	library := connect("library")
	set, err := library.Query(ctx, milvusclient.NewQueryOption("books").WithFilter("id > 0").WithOutputFields("id", "vector"))
	check("databases: its rows", rowsOf(set), err, []map[string]any{{"id": int64(7), "vector": []float32{7, 1}}})
	does("databases: closed", library.Close(ctx))
	set, err = client.Query(ctx, milvusclient.NewQueryOption("compass").WithFilter("id in [1, 10, 50]").WithOutputFields("id", "stars"))
	check("fields: old rows are null in the new one", rowsOf(set), err, []map[string]any{
		{"id": int64(1), "stars": nil}, {"id": int64(10), "stars": nil}, {"id": int64(50), "stars": int64(5)}})
	found, err := client.DescribeIndex(ctx, milvusclient.NewDescribeIndexOption(typesName, "by_dense"))
	if err == nil {
		params := found.Params()
		check("indexes: described", fmt.Sprintf("%s %s %s %d", params["index_type"], params["metric_type"], params["M"], found.State), err, "HNSW L2 16 3")
	} else {
		does("indexes: described", err)
	}
	user, err := client.DescribeUser(ctx, milvusclient.NewDescribeUserOption("reader_user"))
	if err == nil {
		check("users: described", user.Roles, err, []string{"reader_role"})
	} else {
		does("users: described", err)
	}
	role, err := client.DescribeRole(ctx, milvusclient.NewDescribeRoleOption("reader_role"))
	if err == nil && len(role.Privileges) == 1 {
		check("users: the role described", role.Privileges[0].Privilege, err, "Search")
	} else {
		check("users: the role described", role, err, "one privilege")
	}
	state, err := client.GetLoadState(ctx, milvusclient.NewGetLoadStateOption(typesName))
	check("load: loaded", state.State, err, entity.LoadStateCode(entity.LoadStateLoaded))
	state, err = client.GetLoadState(ctx, milvusclient.NewGetLoadStateOption("idle"))
	check("load: released stays released", state.State, err, entity.LoadStateCode(entity.LoadStateNotLoad))
}

func callsAfter(client *milvusclient.Client) {
	callsUnchanged(client)
	compaction, err := client.Compact(ctx, milvusclient.NewCompactOption(typesName))
	does("compaction: asked for", err)
	_, err = client.GetCompactionState(ctx, milvusclient.NewGetCompactionStateOption(compaction))
	does("compaction: its state", err)
	_, err = client.GetPersistentSegmentInfo(ctx, milvusclient.NewGetPersistentSegmentInfoOption(typesName))
	does("segments: listed", err)
	replicas, err := client.DescribeReplica(ctx, milvusclient.NewDescribeReplicaOption(typesName))
	check("replicas: one", len(replicas), err, 1)
	does("databases: used and left", client.UseDatabase(ctx, milvusclient.NewUseDatabaseOption("library")),
		client.UseDatabase(ctx, milvusclient.NewUseDatabaseOption("default")))
	does("users: the password, the role, the user go", client.UpdatePassword(ctx, milvusclient.NewUpdatePasswordOption("reader_user", "secret12", "secret34")),
		client.RevokeRole(ctx, milvusclient.NewRevokeRoleOption("reader_user", "reader_role")),
		client.RevokePrivilegeV2(ctx, milvusclient.NewRevokePrivilegeV2Option("reader_role", "Search", "*").WithDbName("default")),
		client.DropRole(ctx, milvusclient.NewDropRoleOption("reader_role")), client.DropUser(ctx, milvusclient.NewDropUserOption("reader_user")))
	does("clean: the alias goes", client.DropAlias(ctx, milvusclient.NewDropAliasOption("compass")))
	for _, name := range []string{"quick", "idle", typesName, pageName} {
		does("clean: "+name, client.DropCollection(ctx, milvusclient.NewDropCollectionOption(name)))
	}
	library := connect("library")
	does("clean: the other database", library.DropCollection(ctx, milvusclient.NewDropCollectionOption("books")), library.Close(ctx),
		client.DropDatabase(ctx, milvusclient.NewDropDatabaseOption("library")))
	names, err := client.ListCollections(ctx, milvusclient.NewListCollectionOption())
	check("clean: nothing is left", len(names), err, 0)
	_, err = client.Get(ctx, milvusclient.NewQueryOption("quick").WithIDs(column.NewColumnInt64("id", []int64{1})))
	fails("clean: a dropped collection is not read", err, 100, "collection")
}
