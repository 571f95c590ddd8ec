// Checks the proof of a session in the browser, from the document as it was recorded up to the root of the ledger.
import type { SessionProof } from "../../api/agents";
import { canonical, leaf_of, ledger_steps, sha256, step, utf8, type ProofStep } from "../asset/proof";

/** Every step, each compared with what the proof states; a document that was erased is passed by. */
export async function verify_session(proof: SessionProof): Promise<ProofStep[]> {
  const { body, kind, inclusion } = proof;
  const steps: ProofStep[] = [];
  if (body !== undefined) {
    if (proof.bodyHash !== undefined) steps.push(step("What was told", await sha256(utf8(canonical(body))), proof.bodyHash));
    const claim = { kind, payload: body, schema_version: proof.schemaVersion };
    steps.push(step("What it commits to", await sha256(utf8(canonical(claim))), proof.contentHash));
  }
  const leaf = await leaf_of({ admission: proof.admission, commitment: proof.contentHash, kind, record_id: proof.recordId, schema_version: proof.schemaVersion });
  steps.push(step("Its leaf", leaf, inclusion.leaf));
  return [...steps, ...(await ledger_steps(inclusion))];
}
