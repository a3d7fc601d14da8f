package kestreldb;

import io.milvus.v2.client.ConnectConfig;
import io.milvus.v2.client.MilvusClientV2;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/**
 * A Java program as a user of Milvus writes it, with the unmodified SDK, against the server at KESTREL_URI. "before"
 * creates and fills, "after" runs when the server was restarted, "secured" logs in over TLS.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws IOException {
    printVersion();
    if (args[0].equals("secured")) {
      Secured.run();
      Tap.finish();
      return;
    }
    MilvusClientV2 client = connect("");
    if (args[0].equals("before")) {
      Page.before(client);
      Entities.before(client);
      Calls.before(client);
    } else {
      Page.after(client);
      Entities.after(client);
      Calls.after(client);
    }
    Tap.does("session: closed", client::close);
    Tap.finish();
  }

  private static void printVersion() throws IOException {
    try (InputStream file = MilvusClientV2.class.getResourceAsStream("/META-INF/maven/io.milvus/milvus-sdk-java/pom.properties")) {
      if (file == null) return;
      Properties properties = new Properties();
      properties.load(file);
      System.out.println("# version milvus-sdk-java " + properties.getProperty("version"));
    }
  }

  static MilvusClientV2 connect(String database) {
    ConnectConfig.ConnectConfigBuilder config = ConnectConfig.builder().uri(System.getenv("KESTREL_URI")).token("root:Milvus");
    return new MilvusClientV2(database.isEmpty() ? config.build() : config.dbName(database).build());
  }
}
