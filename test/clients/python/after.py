"""The second phase: the server was restarted. Everything is still there, and life goes on."""

from pymilvus import MilvusClient, __version__

import calls
import entities
import newer
import other_styles
import page
import richer
from tap import URI, finish

print(f"# version pymilvus {__version__}")
client = MilvusClient(uri=URI, token="root:Milvus")
for part in (page, entities, calls, newer, richer, other_styles):
    part.after(client)
client.close()
finish()
