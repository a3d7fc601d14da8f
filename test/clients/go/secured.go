// Against a server that asks for logins and speaks TLS: who comes in, and what a role lets one do.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"

	"github.com/milvus-io/milvus/client/v2/column"
	"github.com/milvus-io/milvus/client/v2/entity"
	"github.com/milvus-io/milvus/client/v2/index"
	"github.com/milvus-io/milvus/client/v2/milvusclient"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// login connects with the server's certificate as the only one that is trusted.
func login(user, password string) (*milvusclient.Client, error) {
	certificate, err := os.ReadFile(os.Getenv("KESTREL_CA"))
	if err != nil {
		panic(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(certificate)
	return milvusclient.New(ctx, &milvusclient.ClientConfig{
		Address:     os.Getenv("KESTREL_URI"),
		Username:    user,
		Password:    password,
		DialOptions: append(dialOptions(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: trusted}))),
	})
}

// dialOptions are those of the client; naming own ones replaces them all.
func dialOptions() []grpc.DialOption {
	return append([]grpc.DialOption{}, milvusclient.DefaultGrpcOpts...)
}

// refused: there is an error with this phrase.
func refused(what string, err error, phrase string) {
	found := "no error"
	if err != nil {
		found = err.Error()
	}
	line(strings.Contains(found, phrase), what, "expected "+phrase, "found "+found)
}

func secured() {
	_, err := login("root", "wrong")
	refused("login: a wrong password", err, "auth check failure")
	_, err = login("nobody", "Milvus")
	refused("login: an unknown user", err, "auth check failure")
	root, err := login("root", "Milvus")
	does("login: root over TLS, the certificate checked", err)
	if err != nil {
		return
	}
	schema := entity.NewSchema().
		WithField(entity.NewField().WithName("id").WithDataType(entity.FieldTypeInt64).WithIsPrimaryKey(true)).
		WithField(entity.NewField().WithName("vector").WithDataType(entity.FieldTypeFloatVector).WithDim(2))
	does("root creates a collection", root.CreateCollection(ctx, milvusclient.NewCreateCollectionOption("secured", schema).
		WithIndexOptions(milvusclient.NewCreateIndexOption("secured", "vector", index.NewAutoIndex(entity.L2)))))
	loading, err := root.LoadCollection(ctx, milvusclient.NewLoadCollectionOption("secured"))
	does("and loads it", err)
	if err == nil {
		does("until it is loaded", loading.Await(ctx))
	}
	upsert := func(client *milvusclient.Client) error {
		_, err := client.Upsert(ctx, milvusclient.NewColumnBasedInsertOption("secured",
			column.NewColumnInt64("id", []int64{1, 2}),
			column.NewColumnFloatVector("vector", 2, [][]float32{{0, 1}, {1, 0}})))
		return err
	}
	search := func(client *milvusclient.Client) (int64, error) {
		found, err := client.Search(ctx, milvusclient.NewSearchOption("secured", 1, []entity.Vector{entity.FloatVector{1, 0}}))
		if err != nil {
			return 0, err
		}
		return found[0].IDs.GetAsInt64(0)
	}
	does("root upserts", upsert(root))
	does("a user with a role", root.CreateUser(ctx, milvusclient.NewCreateUserOption("reader", "secret-1")),
		root.CreateRole(ctx, milvusclient.NewCreateRoleOption("reading")),
		root.GrantRole(ctx, milvusclient.NewGrantRoleOption("reader", "reading")))
	reader, err := login("reader", "secret-1")
	does("login: the user", err)
	if err != nil {
		return
	}
	_, err = search(reader)
	refused("without a privilege: no search", err, "PrivilegeSearch")
	does("granted, by both kinds of call",
		root.GrantPrivilege(ctx, milvusclient.NewGrantPrivilegeOption("reading", "Collection", "Query", "secured")),
		root.GrantPrivilegeV2(ctx, milvusclient.NewGrantPrivilegeV2Option("reading", "Search", "secured").WithDbName("default")),
		root.GrantPrivilegeV2(ctx, milvusclient.NewGrantPrivilegeV2Option("reading", "DescribeCollection", "secured").WithDbName("default")))
	id, err := search(reader)
	check("with it: the search", id, err, int64(2))
	found, err := reader.Query(ctx, milvusclient.NewQueryOption("secured").WithFilter("id > 0").WithOutputFields("id"))
	check("and the query", found.ResultCount, err, 2)
	refused("but no upsert", upsert(reader), "PrivilegeUpsert")
	does("the password is changed", root.UpdatePassword(ctx, milvusclient.NewUpdatePasswordOption("reader", "secret-1", "secret-2")))
	_, err = login("reader", "secret-1")
	refused("login: the old password", err, "auth check failure")
	_, err = login("reader", "secret-2")
	does("login: the new password", err)
	does("everything is taken back",
		root.RevokePrivilege(ctx, milvusclient.NewRevokePrivilegeOption("reading", "Collection", "Query", "secured")),
		root.RevokePrivilegeV2(ctx, milvusclient.NewRevokePrivilegeV2Option("reading", "Search", "secured").WithDbName("default")),
		root.RevokePrivilegeV2(ctx, milvusclient.NewRevokePrivilegeV2Option("reading", "DescribeCollection", "secured").WithDbName("default")),
		root.RevokeRole(ctx, milvusclient.NewRevokeRoleOption("reader", "reading")),
		root.DropRole(ctx, milvusclient.NewDropRoleOption("reading")),
		root.DropUser(ctx, milvusclient.NewDropUserOption("reader")))
	users, err := root.ListUsers(ctx, milvusclient.NewListUserOption())
	check("users that are left", users, err, []string{"root"})
	does("session: closed", root.Close(ctx), reader.Close(ctx))
}
