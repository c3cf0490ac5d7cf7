#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Entry of the command line.
import process from 'node:process';
import { runCli } from './cli.ts';

process.exitCode = await runCli(process.argv.slice(2));
