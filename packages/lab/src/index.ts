// SPDX-License-Identifier: Apache-2.0
// Public names of the lab: servers that stand in for what the pipeline talks to.
export { createAuthority, type Authority } from './authority.ts';
export { bodyChunks, ConnectionReset, respondWithFile, serve, type FilePart, type Handler, type Served, type ServeOptions } from './serve.ts';
