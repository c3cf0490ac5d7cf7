// SPDX-License-Identifier: Apache-2.0
// The ACR emulator on a free port, as a process of its own; prints its address.
import process from 'node:process';
import { createAcrEmulator, serve } from '@pratique/lab';

const served = await serve(createAcrEmulator({ storage: { folder: process.argv[2] ?? '' }, anonymous: true }).handle);
process.stdout.write(`${served.url}\n`);
