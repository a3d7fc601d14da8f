// A Go program as a user of Milvus writes it, with the unmodified client, against the server at KESTREL_ADDRESS.
// "before" creates and fills, "after" runs when the server was restarted, "secured" logs in over TLS.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/milvus-io/milvus/client/v2/milvusclient"
)

var ctx context.Context

func main() {
	if len(os.Args) != 2 || (os.Args[1] != "before" && os.Args[1] != "after" && os.Args[1] != "secured") {
		panic("usage: client before|after|secured")
	}
	var cancel context.CancelFunc
	ctx, cancel = context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	printVersion()
	if os.Args[1] == "secured" {
		secured()
		finish()
		return
	}
	client := connect("")
	parts := map[string][]func(*milvusclient.Client){
		"before": {pageBefore, entitiesBefore, callsBefore},
		"after":  {pageAfter, entitiesAfter, callsAfter},
	}
	for _, part := range parts[os.Args[1]] {
		part(client)
	}
	does("session: closed", client.Close(ctx))
	finish()
}

func printVersion() {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, module := range build.Deps {
		if module.Path == "github.com/milvus-io/milvus/client/v2" {
			fmt.Println("# version", module.Path, module.Version)
		}
	}
}

func connect(database string) *milvusclient.Client {
	client, err := milvusclient.New(ctx, &milvusclient.ClientConfig{
		Address: os.Getenv("KESTREL_ADDRESS"),
		DBName:  database,
	})
	if err != nil {
		panic(err)
	}
	return client
}
