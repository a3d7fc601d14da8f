/**
 * What lies where in a database directory (docs/format.md, "Directory"):
 *
 *     <directory>/kestrel.lock   who has it open
 *     <directory>/store/         LevelDB
 *     <directory>/indexes/       sidecar files of vector indexes
 */
import { join } from 'node:path'

/** Directory of the LevelDB store. */
export function storeDirectory(directory: string): string {
  return join(directory, 'store')
}

/** Directory of the sidecar files. */
export function indexDirectory(directory: string): string {
  return join(directory, 'indexes')
}
