// Makes src/api/schema.ts out of schemas/openapi.json, the document that the server serves; with --check only says whether it is that.
import { readFile, writeFile } from "node:fs/promises";
import openapi, { astToString } from "openapi-typescript";

const source = new URL("../schemas/openapi.json", import.meta.url);
const target = new URL("src/api/schema.ts", import.meta.url);
const head = `// Made from schemas/openapi.json by \`npm run types\`; not edited by hand.

`;

const document = JSON.parse(await readFile(source, "utf8"));
// Each refusal has the same body, and pages see it as a Problem only: left out, the file is a third of the size.
for (const methods of Object.values(document.paths))
  for (const operation of Object.values(methods))
    for (const status of Object.keys(operation.responses)) if (!/^[23]/.test(status)) delete operation.responses[status];

// What a request may leave out has a default, too.
const text = head + astToString(await openapi(document, { defaultNonNullable: false, alphabetize: true, silent: true }));
if (process.argv.includes("--check")) {
  if ((await readFile(target, "utf8").catch(() => "")) !== text) {
    console.error("web: src/api/schema.ts is not what schemas/openapi.json says; run: npm run types");
    process.exit(1);
  }
} else {
  await writeFile(target, text);
}
