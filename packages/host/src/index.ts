// SPDX-License-Identifier: Apache-2.0
// Public names of host: the ports on this machine, and running a step on GitHub or in a terminal.
export { systemClock } from './clock.ts';
export { createNodeContext, type NodeContext, type NodeContextOptions } from './context.ts';
export { childVariables, type Environment } from './environment.ts';
export { createFiles } from './files.ts';
export { runOnGitHub } from './github.ts';
export { endingOfFailure, type Ending } from './ending.ts';
export { formatEnding, runInTerminal, type TerminalOptions } from './terminal.ts';
export { addToCache, findInCache } from './tool-cache.ts';
export { cacheKey, toolCacheFolder, toolTable, type ToolEntry } from './tool-table.ts';
export { findOnPath, listTools, type ToolStatus } from './tools.ts';
