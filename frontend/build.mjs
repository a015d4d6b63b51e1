// This file builds the pages' bundle: node build.mjs <output folder>.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { build } from "esbuild";

const out = path.resolve(process.argv[2] ?? "dist");

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const { metafile } = await build({
  entryPoints: { main: "src/main.js", style: "src/style/main.css", icon: "src/icon.svg" },
  outdir: out,
  bundle: true,
  format: "esm",
  splitting: true,
  minify: true,
  target: ["chrome123", "firefox121", "safari17.5"],
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".svg": "copy" },
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

// What a template names -> what the file is called.
const manifest = {};
for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
  const name = path.basename(file);
  if (entryPoint) {
    manifest[path.basename(entryPoint) === "main.css" ? "style.css" : path.basename(entryPoint)] = name;
  } else if (/^inter-latin-wght-normal-.*\.woff2$/.test(name)) {
    manifest["font.woff2"] = name;
  }
}
for (const name of ["main.js", "style.css", "icon.svg", "font.woff2"]) {
  if (!manifest[name]) throw new Error(`the bundle has no ${name}`);
}
await writeFile(path.join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

// Only what the bundle really holds, each with its licence.
const used = new Set(
  Object.keys(metafile.inputs)
    .map((input) => input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1])
    .filter(Boolean),
);
const parts = [];
for (const name of [...used].sort()) {
  const folder = path.join("node_modules", name);
  const about = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const licence = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
  if (!licence) throw new Error(`${name} comes without a licence`);
  parts.push(`${name} ${about.version} (${about.license})\n\n${await readFile(path.join(folder, licence), "utf8")}`);
}
await writeFile(path.join(out, "THIRD-PARTY.txt"), parts.join(`\n${"-".repeat(80)}\n\n`));
