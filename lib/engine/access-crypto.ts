/** node:crypto, loaded when somebody first logs in: most processes that embed the engine never need it. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
let loaded: typeof import('node:crypto') | undefined

export function nodeCrypto(): typeof import('node:crypto') {
  loaded ??= require('node:crypto') as typeof import('node:crypto')
  return loaded
}
