/**
 * Who holds a port: the process, for the error that says why a server cannot start.
 *
 * Linux tells through /proc, for processes of the same user; elsewhere, and for other users' processes, nobody is named.
 */
import { readdir, readFile, readlink } from 'node:fs/promises'

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A'

/** `process 1234 (node)`, or null when it cannot be told. */
export async function portHolder(port: number): Promise<string | null> {
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const inode of listeners(await textOf(table), port)) inodes.add(inode)
  }
  if (inodes.size === 0) return null
  for (const pid of await namesIn('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    for (const descriptor of await namesIn(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
      if (inode === undefined || !inodes.has(inode)) continue
      const name = (await textOf(`/proc/${pid}/comm`)).trim()
      return name === '' ? `process ${pid}` : `process ${pid} (${name})`
    }
  }
  return null
}

/** Inodes of the sockets that listen on a port. Columns: number, local address, remote address, state, … inode. */
function listeners(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const found: string[] = []
  for (const line of table.split('\n').slice(1)) {
    const cells = line.trim().split(/\s+/)
    if (cells[1]?.endsWith(suffix) === true && cells[3] === LISTENING && cells[9] !== undefined)
      found.push(cells[9])
  }
  return found
}

/** Content of a file; empty when it is gone, forbidden, or unknown to this system. */
function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(() => [])
}
