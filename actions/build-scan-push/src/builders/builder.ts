// SPDX-License-Identifier: Apache-2.0
// What every builder does: put one image, whose root is an index, into an empty layout, and say what it was made of.
import type { Context, Platform } from '@pratique/core';
import type { ContentTarget, Descriptor } from '@pratique/oci';
import type { BuildFacts, TestReport } from '@pratique/scan';
import type { Source } from '../source.ts';

/** What to build. */
export interface BuildRequest {
  readonly ctx: Context;
  /** Where the image goes. */
  readonly target: ContentTarget;
  readonly source: Source;
  /** Folder, relative to the workspace or absolute. */
  readonly context: string;
  /** Path of the Dockerfile, joined with the context. */
  readonly dockerfile: string;
  readonly stage?: string;
  readonly testStage?: string;
  readonly platforms: readonly Platform[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly buildContexts: Readonly<Record<string, string>>;
  /** Id to value. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What was built. */
export interface Built {
  /** The index, in the target. */
  readonly image: Descriptor;
  readonly builder: BuildFacts['builder'];
  readonly materials: BuildFacts['materials'];
  readonly tests?: TestReport;
  /** What people should know, for the summary. */
  readonly notes: readonly string[];
}

/** Tests that failed are an answer; everything else that goes wrong is a `Failure` (`BUILD_FAILED`, `TOOL_MISSING`, `TOOL_TIMEOUT`). */
export type BuildAnswer = { readonly built: Built } | { readonly failedTests: TestReport };

/** One way to build. Later ones (ACR Tasks) fit the same shape. */
export interface Builder {
  build(request: BuildRequest): Promise<BuildAnswer>;
}
