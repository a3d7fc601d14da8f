"""A collection with every type of field: its schema, and rows that depend on nothing but their number."""

import numpy
from pymilvus import DataType, Function, FunctionType

NAME = "all_types"
COUNT = 300
DIM = 8

_WORDS = ["river", "mountain", "kestrel", "harbour", "lantern", "orchard", "meadow"]
_LONG = 2**60


def create(client):
    nullable = True
    schema = client.create_schema(enable_dynamic_field=True, description="every type")
    schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=32)
    schema.add_field("yes", DataType.BOOL, nullable=nullable)
    schema.add_field("tiny", DataType.INT8, nullable=nullable)
    schema.add_field("small", DataType.INT16)
    schema.add_field("middle", DataType.INT32)
    schema.add_field("long", DataType.INT64)
    schema.add_field("single", DataType.FLOAT, nullable=nullable)
    schema.add_field("real", DataType.DOUBLE, default_value=2.5)
    schema.add_field("body", DataType.VARCHAR, max_length=500, enable_analyzer=True, enable_match=True)
    schema.add_field("doc", DataType.JSON, nullable=nullable)
    schema.add_field("numbers", DataType.ARRAY, element_type=DataType.INT64, max_capacity=16, nullable=nullable)
    schema.add_field("tags", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=16, max_length=20)
    schema.add_field("flags", DataType.ARRAY, element_type=DataType.BOOL, max_capacity=4)
    schema.add_field("floats", DataType.ARRAY, element_type=DataType.FLOAT, max_capacity=4)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=DIM)
    schema.add_field("half", DataType.FLOAT16_VECTOR, dim=DIM)
    schema.add_field("brain", DataType.BFLOAT16_VECTOR, dim=DIM)
    schema.add_field("bits", DataType.BINARY_VECTOR, dim=16)
    schema.add_field("bytes", DataType.INT8_VECTOR, dim=DIM)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(
        Function(name="bm25", function_type=FunctionType.BM25, input_field_names=["body"], output_field_names=["words"])
    )
    indexes = client.prepare_index_params()
    indexes.add_index("dense", index_name="by_dense", index_type="HNSW", metric_type="L2", M=16, efConstruction=100)
    indexes.add_index("half", index_type="AUTOINDEX", metric_type="COSINE")
    indexes.add_index("brain", index_type="FLAT", metric_type="IP")
    indexes.add_index("bits", index_type="BIN_FLAT", metric_type="HAMMING")
    indexes.add_index("bytes", index_type="HNSW", metric_type="L2", params={"M": 8, "efConstruction": 64})
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    indexes.add_index("long", index_type="STL_SORT")
    indexes.add_index("body", index_type="INVERTED")
    client.create_collection(NAME, schema=schema, index_params=indexes, consistency_level="Strong")


def key(number):
    return f"k{number:04d}"


def dense(number):
    """Spread out in all directions, exact in 16 bits as well: 32nds between -8 and 8. No two rows are alike."""
    return [((number * 37 + place * 53 + number * place * 11) % 509 - 254) / 32 for place in range(DIM)]


def row(number):
    """A row as a user gives it."""
    vector = dense(number)
    return {
        "key": key(number),
        "yes": None if number % 5 == 0 else number % 2 == 0,
        "tiny": None if number % 7 == 0 else number % 256 - 128,
        "small": number % 300 * 100 - 15000,
        "middle": number * 1_000_000,
        "long": _LONG + number,
        "single": None if number % 3 == 0 else number / 4,
        "real": number / 3,
        "body": f"{_WORDS[number % 7]} {_WORDS[number // 7 % 7]} number{number}",
        "doc": None if number % 11 == 0 else {"n": number, "deep": {"list": [number, "x", None, True]}, "text": "Grüße ☀"},
        "numbers": None if number % 4 == 0 else [_LONG + place for place in range(number % 6)],
        "tags": [_WORDS[number % 7], "all"],
        "flags": [number % 2 == 0, True],
        "floats": [number / 2, -0.5],
        "dense": vector,
        "half": numpy.array(vector, dtype=numpy.float16),
        "brain": vector,
        "bits": bytes([number % 256, number // 256]),
        "bytes": numpy.array([int(value * 8) for value in vector], dtype=numpy.int8),
        "sparse": {number % 50: 1.5, 100 + number % 10: 0.25},
        "color": _WORDS[number % 3],
        "rank": number,
    }


def read_back(found):
    """A row as the client answers it, in the form of `row`: 16-bit and byte vectors arrive as lists of one bytes."""
    shaped = dict(found)
    if "half" in shaped:
        shaped["half"] = numpy.frombuffer(shaped["half"][0], dtype=numpy.float16)
    if "brain" in shaped:
        upper = numpy.frombuffer(shaped["brain"][0], dtype=numpy.uint16).astype(numpy.uint32)
        shaped["brain"] = [float(value) for value in (upper << 16).view(numpy.float32)]
    if "bits" in shaped:
        shaped["bits"] = shaped["bits"][0]
    if "bytes" in shaped:
        shaped["bytes"] = numpy.frombuffer(shaped["bytes"][0], dtype=numpy.int8)
    return shaped
