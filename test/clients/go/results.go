// Columns of results as rows of plain values.
package main

import (
	"github.com/milvus-io/milvus/client/v2/column"
	"github.com/milvus-io/milvus/client/v2/entity"
	"github.com/milvus-io/milvus/client/v2/milvusclient"
)

// document is JSON text, compared by what it says.
type document string

func rowsOf(set milvusclient.ResultSet) []map[string]any {
	rows := make([]map[string]any, set.Len())
	for i := range rows {
		rows[i] = map[string]any{}
		for _, col := range set.Fields {
			rows[i][col.Name()] = valueOf(col, i)
		}
	}
	return rows
}

func valueOf(col column.Column, i int) any {
	if null, err := col.IsNull(i); err != nil || null {
		return nil
	}
	value, err := col.Get(i)
	if err != nil {
		return err
	}
	switch v := value.(type) {
	case []byte:
		return document(v)
	case entity.FloatVector:
		return []float32(v)
	case entity.Float16Vector:
		return []float32(v.ToFloat32Vector())
	case entity.BFloat16Vector:
		return []float32(v.ToFloat32Vector())
	case entity.BinaryVector:
		return []byte(v)
	case entity.Int8Vector:
		return []int8(v)
	case entity.SparseEmbedding:
		sparse := map[uint32]float32{}
		for at := 0; at < v.Len(); at++ {
			position, weight, _ := v.Get(at)
			sparse[position] = weight
		}
		return sparse
	}
	return value
}

func int64s(col column.Column) []int64 {
	found := make([]int64, 0, col.Len())
	for i := 0; i < col.Len(); i++ {
		value, err := col.GetAsInt64(i)
		if err != nil {
			return nil
		}
		found = append(found, value)
	}
	return found
}

func strs(col column.Column) []string {
	found := make([]string, 0, col.Len())
	for i := 0; i < col.Len(); i++ {
		value, err := col.GetAsString(i)
		if err != nil {
			return nil
		}
		found = append(found, value)
	}
	return found
}

// ids of the hits of each query vector.
func hits(sets []milvusclient.ResultSet) [][]int64 {
	found := [][]int64{}
	for _, set := range sets {
		found = append(found, int64s(set.IDs))
	}
	return found
}
