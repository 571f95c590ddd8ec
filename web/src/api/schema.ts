// Made from schemas/openapi.json by `npm run types`; not edited by hand.

export interface paths {
    "/api/control/kill": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a session; 200 says that its end was read back */
        post: operations["agentsKill"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/control/model": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets the model of a session, of an agent, or of later sessions; 200 says that it was read back */
        post: operations["agentsModel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/control/spawn": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a session of an agent; 200 says that it was seen to begin */
        post: operations["agentsSpawn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The last lines of the log of the gateway; none when it cannot be read */
        get: operations["agentsLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/system/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Which agents run, rest, failed or are done, and whether the gateway answers */
        get: operations["agentsStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/alerts/active": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What fires, and what ended within a day; looking changes nothing */
        get: operations["agentsAlertsActive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/alerts/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The rules that alerts follow */
        get: operations["agentsAlertRules"];
        put?: never;
        /** Makes a rule */
        post: operations["agentsAlertRuleCreate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/alerts/rules/{rule_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes a rule */
        patch: operations["agentsAlertRulePatch"];
        trace?: never;
    };
    "/api/v3/analytics/performance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How the sessions of each model ended, how long they took and what they cost */
        get: operations["agentsPerformance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/analytics/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What sessions used and cost, by day and as wanted */
        get: operations["agentsUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/ingest/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes in what is said about the session of an agent, in any version of the contract */
        post: operations["agentsIngestSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sessions of agents, filtered, searched and ordered */
        get: operations["agentsLedger"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v3/ledger/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A session with its usage and its events */
        get: operations["agentsLedgerSession"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives; says nothing about the database */
        get: operations["healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Opens a session with the code of a login link, and goes on to the web UI */
        get: operations["login"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Numbers for Prometheus */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether requests are answered */
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/alerts/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where notices are sent; secrets are never shown */
        get: operations["agentsAlertChannels"];
        put?: never;
        /** Makes a channel */
        post: operations["agentsAlertChannelCreate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/alerts/channels/{channel_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes a channel away; what waits for it is given up */
        delete: operations["agentsAlertChannelDelete"];
        options?: never;
        head?: never;
        /** Changes a channel */
        patch: operations["agentsAlertChannelPatch"];
        trace?: never;
    };
    "/v1/agents/alerts/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Notices and what became of them, the newest first */
        get: operations["agentsAlertDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/alerts/evaluate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Evaluates every rule now; a dry run only says what would happen */
        post: operations["agentsAlertEvaluate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/alerts/rules/{rule_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A rule */
        get: operations["agentsAlertRule"];
        put?: never;
        post?: never;
        /** Takes a rule away; what fires is closed */
        delete: operations["agentsAlertRuleDelete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/alerts/rules/{rule_id}/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Notes that somebody knows of what fires: it is quiet until it escalates or is over */
        post: operations["agentsAlertAck"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/alerts/rules/{rule_id}/silence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a rule be quiet for some time; 0 ends that */
        post: operations["agentsAlertSilence"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/alerts/transitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened to alerts, the newest first */
        get: operations["agentsAlertTransitions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/analytics/parity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the sums by hour and day are what the rows come to */
        get: operations["agentsParity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/calls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Calls to models, the newest first */
        get: operations["agentsCalls"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/collect/litellm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes in what LiteLLM logs: payloads in an array, one a line, or one alone */
        post: operations["agentsCollectLitellm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/collectors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What each collector did so far */
        get: operations["agentsCollectors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/control/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was ordered, by whom, and what became of it, newest first */
        get: operations["agentsControlAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sessions, alerts, notices, collectors, prices and orders as they change, as events */
        get: operations["agentsEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes an older file over, or says what would become of it */
        post: operations["agentsImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/import/drift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether files that were taken over changed since */
        get: operations["agentsImportDrift"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/import/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Imports, the newest first */
        get: operations["agentsImportReports"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/import/reports/{report_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What an import did, and why rows were not written */
        get: operations["agentsImportReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/ingest/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes in many documents, one a line; each is answered as if it had come alone */
        post: operations["agentsIngestBatch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/ingest/conflicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Documents that were refused because something else stands, the newest first */
        get: operations["agentsConflicts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/prices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists of prices, in the order in which they come into force */
        get: operations["agentsPrices"];
        put?: never;
        /** Takes a list of prices in; costs that are stored stay */
        post: operations["agentsPricesLoad"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/prices/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A list of prices, as it was taken in */
        get: operations["agentsPricesShow"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/prices/recompute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Reckons costs anew under a list; what they were before is kept */
        post: operations["agentsRecompute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/prices/recompute/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far a recompute is */
        get: operations["agentsRecomputeJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/artifacts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** From a fact down to the bytes, the tool, the version, the parameters and the ledger */
        get: operations["explain_artifact"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/artifacts/{id}/blob": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The bytes that belong to an artifact */
        get: operations["get_blob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/artifacts/{id}/lineage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same as a W3C PROV-JSON document */
        get: operations["get_lineage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/artifacts/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make an artifact again and say whether it is the same; nothing is kept */
        post: operations["replay_artifact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/assets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Assets, in the order in which they were first seen */
        get: operations["list_assets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/assets/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One asset: paths, facts, what was tried */
        get: operations["show_asset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/assets/{id}/original": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The bytes of the original */
        get: operations["get_original"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/assets/{id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A picture that stands for the asset */
        get: operations["get_thumbnail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was changed over HTTP, and every login, newest first */
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clean": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What would go: results of expired sandbox runs, blobs that nothing names */
        get: operations["plan_cleaning"];
        put?: never;
        /** Let go what has had its time, or one sandbox run */
        post: operations["clean"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/collections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sets of assets, by name */
        get: operations["list_collections"];
        put?: never;
        /** Make a collection from a filter, a list or a run */
        post: operations["make_collection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/collections/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What defines a collection, and how much belongs to it now */
        get: operations["show_collection"];
        put?: never;
        post?: never;
        /** Delete a collection; runs over it keep the members that they froze */
        delete: operations["delete_collection"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What this machine offers and what is missing; may take a few seconds */
        get: operations["doctor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Runs, artifacts, scans and jobs as they change, as server-sent events */
        get: operations["watch_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Copy originals, facts and blobs to a zip that anyone can check */
        post: operations["make_export"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{job}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The zip, for an hour after it was made */
        get: operations["get_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/extractors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What makes facts, built in or as a plug-in */
        get: operations["list_extractors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/filters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether a filter is understood, and how much fulfils it */
        get: operations["check_filter"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Long work of this server that is no run, newest first */
        get: operations["list_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A job, and what came of it */
        get: operations["show_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop a job; it loses nothing, and can be begun again */
        post: operations["cancel_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A signed checkpoint: how long the ledger is, and its root */
        get: operations["get_checkpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ledger/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Whether the ledger extends a checkpoint: nothing before it was changed */
        post: operations["check_checkpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes in log records over OTLP */
        post: operations["otlpLogs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is logged in, and what that allows */
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes in metrics over OTLP, of which nothing is kept */
        post: operations["otlpMetrics"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/pipelines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What can be run over a collection */
        get: operations["list_pipelines"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/pipelines/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One pipeline, with every parameter */
        get: operations["show_pipeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Runs, newest first */
        get: operations["list_runs"];
        put?: never;
        /** Run a pipeline over a collection; the server works it off */
        post: operations["start_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A run: states, reasons, times */
        get: operations["show_run"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a run found, newest units first */
        get: operations["list_artifacts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop a run; what was written stays */
        post: operations["cancel_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/compare/{other}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Which run was faster, which more reliable, which facts differ */
        get: operations["compare_runs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a run wait; nothing of it is given up */
        post: operations["pause_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the results of a sandbox run count */
        post: operations["promote_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Go on with a run that was cancelled, paused, blocked or left behind */
        post: operations["resume_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Do failed units of a run again, all or some, and nothing else */
        post: operations["retry_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/units": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Units of a run in a state */
        get: operations["list_units"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Scans of this server, newest first */
        get: operations["list_scans"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens a session with a token */
        post: operations["open_session"];
        /** Ends the session */
        delete: operations["close_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The configuration, without secrets */
        get: operations["settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sources": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Folders that originals come from */
        get: operations["list_sources"];
        put?: never;
        /** Add a folder below one of `server.sources_allowed` and scan it */
        post: operations["add_source"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sources/{name}/move": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say that a source lies elsewhere now, below one of `server.sources_allowed` */
        post: operations["move_source"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sources/{name}/outcomes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the last scan of a source could not take in */
        get: operations["list_outcomes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sources/{name}/scan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bring the catalog of a source up to date */
        post: operations["scan_source"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How much there is */
        get: operations["status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Assets by month, newest first, with their shapes */
        get: operations["get_timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/timeline/{bucket}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Assets of a month */
        get: operations["get_bucket"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/timeline/neighbours": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What stands beside an asset in the timeline */
        get: operations["get_neighbours"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/traces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes in spans over OTLP */
        post: operations["otlpTraces"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check records, lineage, the ledger and blobs, all of them or some */
        post: operations["verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What is acknowledged. */
        Ack: {
            /** @description The instance; all of the rule when it is absent. */
            scopeKey?: string | null;
        };
        /** @description The feed. */
        ActiveRows: {
            /** @description The alerts. */
            rows: components["schemas"]["Alert"][];
        };
        /** @description A session that began. */
        AgentsBegun: {
            /** @description Its id in the audit. */
            auditId: string;
            /** @description What was read back last: a state, a model, or `absent`. */
            finalState?: string | null;
            /** @description Always true. */
            ok: boolean;
            /** @description `confirmed`, `already_ended` or `dry_run`. */
            outcome: string;
            /** @description What the controller said. */
            output: string;
            /** @description The session; null when it was only tried on paper. */
            sessionId: string | null;
        };
        /** @description The end of a session. */
        AgentsKilled: {
            /** @description Its id in the audit. */
            auditId: string;
            /** @description What was read back last: a state, a model, or `absent`. */
            finalState?: string | null;
            /** @description Always true. */
            ok: boolean;
            /** @description `confirmed`, `already_ended` or `dry_run`. */
            outcome: string;
            /** @description What the controller said. */
            output: string;
            /** @description The session. */
            sessionId: string;
        };
        /** @description A line of a log. */
        AgentsLogLine: {
            /** @description `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`. */
            level: string;
            /** @description What it says, without control characters. */
            msg: string;
            /** @description When, as it was written; numbers become RFC 3339. Empty when no line so far told a time. */
            ts: string;
        };
        /** @description What `/api/logs` answers. */
        AgentsLogs: {
            /** @description The last lines, oldest first. */
            logs: components["schemas"]["AgentsLogLine"][];
        };
        /** @description A model that was set. */
        AgentsModelSet: {
            /** @description Its id in the audit. */
            auditId: string;
            /** @description What was read back last: a state, a model, or `absent`. */
            finalState?: string | null;
            /** @description Its name there. */
            model: string;
            /** @description Always true. */
            ok: boolean;
            /** @description `confirmed`, `already_ended` or `dry_run`. */
            outcome: string;
            /** @description Who serves it. */
            provider: string;
        };
        /** @description An order and what became of it. */
        AgentsOrder: {
            /** @description `kill`, `spawn` or `model`. */
            action: string;
            /** @description Who gave it: the id of a token and its name, or `secret`. */
            actor: string;
            /** @description When it was given. */
            at: string;
            /** @description Its id. */
            auditId: string;
            /** @description Through which controller. */
            controller: string;
            /** @description Why. */
            detail?: string | null;
            /** @description Whether it was only tried on paper. */
            dryRun: boolean;
            /** @description When it was over. Absent while it is carried out, and when its outcome could not be noted. */
            endedAt?: string | null;
            /** @description What was read back last: a state, a model, or `absent`. */
            finalState?: string | null;
            /** @description For whom, as the request claimed; nobody checked it. */
            forwardedFor?: string | null;
            /** @description `confirmed`, `already_ended`, `unconfirmed`, `failed`, `refused`, `unsupported` or `dry_run`. */
            outcome?: string | null;
            /** @description The address that the connection came from, or `local`. */
            remoteAddr: string;
            /** @description On what: `session=…`, `agent=…` or `default`, and for a model ` model=<provider>/<model>` after it. */
            target: string;
        };
        /** @description One page of a list. */
        AgentsOrderPage: {
            /** @description What is on it. */
            items: components["schemas"]["AgentsOrder"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description What `/api/system/status` answers. */
        AgentsStatus: {
            /** @description All agents that are known, in the order of the gateway, then those that only sessions name. */
            agents: components["schemas"]["AgentStatus"][];
            /** @description Name of the controller. */
            controller: string;
            /** @description The connection. */
            gateway: components["schemas"]["GatewayStatus"];
            /** @description When it was put together: RFC 3339, `Z`, milliseconds. */
            generatedAt: string;
            /** @description Always `gateway-ws`, as clients of the older contract know it; [`Self::controller`] says who was asked. */
            source: string;
        };
        /** @description An agent on the status page. */
        AgentStatus: {
            /** @description Its id. */
            id: string;
            /** @description When it was last seen to do something; RFC 3339 or null. */
            lastActivityAt: string | null;
            /** @description Its name. */
            name: string;
            /** @description Why it has this status. */
            reason: string;
            /** @description Its newest sessions. */
            sessions: components["schemas"]["SessionStatus"][];
            /** @description `running`, `idle`, `failed` or `done`. */
            status: string;
        };
        /** @description An alert in the feed, as the document tells of it. */
        Alert: {
            /**
             * Format: double
             * @description The second threshold.
             */
            criticalThreshold: number;
            /** @description Whether a repetition was left out. */
            deduped: boolean;
            /**
             * Format: int64
             * @description How often it opened.
             */
            episode: number;
            /** @description What is measured. */
            metric: string;
            /** @description The rule. */
            ruleId: string;
            /**
             * Format: int64
             * @description How many samples the value was counted from.
             */
            sample: number;
            /** @description Of whom. */
            scope: {
                [key: string]: string;
            };
            /** @description The instance. */
            scopeKey: string;
            /** @description Until when somebody wants to hear nothing of it. */
            silencedUntil?: string | null;
            /** @description `warning`, `critical` or `resolved`. */
            status: string;
            /** @description Until when a repetition is not told, as the last notice is too fresh. */
            suppressedUntil?: string | null;
            /** @description When something happened to it last. */
            triggeredAt: string;
            /**
             * Format: double
             * @description The last value.
             */
            value: number;
            /**
             * Format: double
             * @description The first threshold.
             */
            warnThreshold: number;
        };
        /** @description A channel, as the document tells of it. */
        AlertChannel: {
            /** @description Whether anything is sent. */
            enabled: boolean;
            /** @description Its id. */
            id: string;
            /** @description Where notices are posted. */
            url: string;
        };
        /** @description A notice, and what became of it. */
        AlertDelivery: {
            /**
             * Format: uint32
             * @description How often it was sent, or was about to be.
             */
            attempts: number;
            /** @description The channel. */
            channelId: string;
            /** @description When it was put into the outbox. */
            createdAt: string;
            /** @description Its id, the same over all attempts. */
            deliveryId: string;
            /** @description What went wrong last. */
            lastError?: string | null;
            /** @description When it is sent next. */
            nextAt?: string | null;
            /** @description The rule. */
            ruleId: string;
            /** @description When it was delivered, or given up. */
            settledAt?: string | null;
            /** @description `pending`, `delivered` or `dead`. */
            state: string;
            /** @description What happened. */
            transitionId: string;
        };
        /** @description One page of a list. */
        AlertDeliveryPage: {
            /** @description What is on it. */
            items: components["schemas"]["AlertDelivery"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description What an evaluation found. */
        AlertEvaluation: {
            /** @description The moment that was looked at. */
            at: string;
            /**
             * Format: uint
             * @description Notices that are to be sent.
             */
            deliveries: number;
            /**
             * Format: uint
             * @description How much happened.
             */
            happened: number;
            /**
             * Format: uint
             * @description Instances that were looked at.
             */
            instances: number;
            /**
             * Format: uint
             * @description Rules that were looked at.
             */
            rules: number;
            /** @description What happened, in the order of rules and instances; the first ones of many. */
            transitions: components["schemas"]["AlertTransition"][];
            /** @description What the rule of a dry run found, the worst first; the first ones of many. */
            values?: components["schemas"]["AlertPreviewValue"][];
        };
        /** @description How an instance would stand. */
        AlertPreviewValue: {
            /**
             * Format: int64
             * @description What that value was counted from.
             */
            sample: number;
            /** @description The instance. */
            scopeKey: string;
            /** @description `ok`, `warning` or `critical`. */
            status: string;
            /**
             * Format: double
             * @description What was measured; absent when there was nothing to measure.
             */
            value?: number | null;
        };
        /** @description A rule, as the document tells of it. */
        AlertRule: {
            /** @description Ids of the channels it is told to; none means all. */
            channels: string[];
            /** @description `gt` or `gte`. */
            comparison: string;
            /** @description When it was made. */
            createdAt: string;
            /**
             * Format: double
             * @description The second threshold.
             */
            criticalThreshold: number;
            /**
             * Format: int64
             * @description Seconds after a notice in which no repetition is told.
             */
            dedupCooldownSec: number;
            /** @description Whether it is asked at all. */
            enabled: boolean;
            /**
             * Format: double
             * @description By how many percent of a threshold a value has to fall below it until its level is left.
             */
            hysteresisPct: number;
            /** @description `daily_cost_usd`, `rolling_cost_usd`, `runtime_p95_ms` or `failure_rate`. */
            metric: string;
            /**
             * Format: int64
             * @description Samples below which a value says nothing.
             */
            minSample: number;
            /** @description What people call it. */
            name?: string | null;
            /** @description What no sample at all means: `resolve`, `keep` or `alert`. */
            noData: string;
            /** @description Its id. */
            ruleId: string;
            /** @description Of whom; who is not named opens an instance for each. */
            scopeRef?: {
                [key: string]: string;
            } | null;
            /** @description `global`, `agent`, `model` or `agent_model`. */
            scopeType: string;
            /** @description The zone whose calendar days count. */
            timeZone: string;
            /** @description When it was changed last. */
            updatedAt: string;
            /**
             * Format: double
             * @description The first threshold.
             */
            warnThreshold: number;
            /** @description `5m`, `1h`, `24h` or `7d`. */
            window: string;
        };
        /** @description Something that happened to an alert. */
        AlertTransition: {
            /** @description Who, when it was a person. */
            actor?: string | null;
            /** @description When. */
            at: string;
            /** @description What made it be looked at: `ingest`, `timer`, `manual` or `human`. */
            cause: string;
            /**
             * Format: int64
             * @description The episode, from 1.
             */
            episode: number;
            /** @description `open`, `escalate`, `deescalate`, `suppress`, `renotify`, `resolve`, `ack`, `silence` or `close`. */
            kind: string;
            /** @description Whether it speaks. */
            lifecycle: string;
            /** @description Whether it was told. */
            notified: boolean;
            /**
             * Format: int64
             * @description The place in the episode, from 1.
             */
            ordinal: number;
            /** @description How bad it was. */
            previousStatus: string;
            /** @description The rule. */
            ruleId: string;
            /**
             * Format: int64
             * @description What that value was counted from.
             */
            sample: number;
            /** @description The instance. */
            scopeKey: string;
            /** @description How bad it is. */
            status: string;
            /**
             * Format: double
             * @description The threshold.
             */
            threshold?: number | null;
            /**
             * Format: double
             * @description The value it was decided by.
             */
            value?: number | null;
        };
        /** @description One page of a list. */
        AlertTransitionPage: {
            /** @description What is on it. */
            items: components["schemas"]["AlertTransition"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description What is reckoned anew. */
        Ask: {
            /**
             * @description Only say what would change.
             * @default false
             */
            dryRun?: boolean;
            /** @description What began then or later: a day, or a time. */
            from?: string | null;
            /** @description Of this model. */
            model?: string | null;
            /** @description The list to reckon with. */
            pricingVersion: string;
            /** @description What began then or earlier: a day, or a time, all of it included. */
            to?: string | null;
        };
        /** @description One line of `ls`. */
        AssetLine: {
            /** @description The asset. */
            asset_id: string;
            /** @description Camera. */
            camera: string | null;
            /**
             * Format: date-time
             * @description Capture time, RFC 3339 UTC; floating local times are printed as if they were UTC and marked by their source.
             */
            captured_at: string | null;
            /** @description Where the capture time comes from. */
            captured_source: string | null;
            /**
             * Format: int64
             * @description Duration in milliseconds.
             */
            duration_ms: number | null;
            /**
             * Format: int64
             * @description Upright height in pixels.
             */
            height: number | null;
            /** @description Found from its first bytes. */
            media_type: string;
            /** @description Its first path, for people. */
            path: string | null;
            /** @description The same, raw bytes in base64. */
            path_b64: string | null;
            /**
             * Format: int64
             * @description How many present paths it has.
             */
            paths: number;
            /** @description Whether any of its paths is present. */
            present: boolean;
            /**
             * Format: int64
             * @description Size in bytes.
             */
            size_bytes: number;
            /** @description Its source, by name. */
            source: string | null;
            /**
             * Format: int64
             * @description Upright width in pixels.
             */
            width: number | null;
        };
        /** @description One page of a list. */
        AssetLinePage: {
            /** @description What is on it. */
            items: components["schemas"]["AssetLine"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description Everything that `show` prints. */
        AssetView: {
            /** @description The asset. */
            asset_id: string;
            /** @description What could not be decided about them. */
            companion_warnings: string[];
            /** @description Present files that belong to it. */
            companions: components["schemas"]["Companion"][];
            /** @description What was found in it, the newest run last. */
            facts: components["schemas"]["FactView"][];
            /**
             * Format: date-time
             * @description When it was first seen.
             */
            first_seen: string;
            /** @description Found from its first bytes. */
            media_type: string;
            /** @description All its paths, past ones too. */
            paths: components["schemas"]["PathView"][];
            /**
             * Format: int64
             * @description Size in bytes.
             */
            size_bytes: number;
            /** @description What was tried with it. */
            units: components["schemas"]["UnitView"][];
        };
        /** @description A change over HTTP, or a login. */
        AuditLine: {
            /**
             * Format: date-time
             * @description When it was asked for.
             */
            at: string;
            /**
             * Format: int64
             * @description Its number.
             */
            entry: number;
            /** @description The method. */
            method: string;
            /** @description The path as it was asked for, without a query. */
            path: string;
            /** @description The id of the request. */
            request: string;
            /** @description The route, with `{name}` for what varies. */
            route: string;
            /**
             * Format: int64
             * @description The status of the answer; none while it is worked on, and when the server ended meanwhile.
             */
            status: number | null;
            /** @description Id of the token that asked; empty for nobody. */
            token: string;
        };
        /** @description One page of a list. */
        AuditLinePage: {
            /** @description What is on it. */
            items: components["schemas"]["AuditLine"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description What became of each document of a batch. */
        Batch: {
            /** @description One for each document, in their order. */
            results: components["schemas"]["Line"][];
        };
        /** @description A recompute that has begun. */
        Begun: {
            /** @description Its id. */
            jobId: string;
        };
        /** @description The blob of an artifact, as the envelope names it. */
        BlobRef: {
            /**
             * Format: uint64
             * @description How many bytes.
             */
            bytes: number;
            /** @description What they are (RFC 6838). */
            media_type: string;
            /** @description SHA-256 of the bytes. */
            sha256: string;
        };
        /** @description A plug-in that cannot be used. */
        BrokenView: {
            /** @description Its name. */
            name: string;
            /** @description Why, and what to do. */
            reason: string;
        };
        /** @description Some assets of a month, newest first. */
        BucketItems: {
            /** @description The assets. */
            items: components["schemas"]["TimelineItem"][];
            /** @description The version of the timeline that they belong to. */
            version: string;
        };
        /** @description Channels. */
        ChannelRows: {
            /** @description The channels. */
            items: components["schemas"]["AlertChannel"][];
        };
        CheckBody: {
            /** @description The public key that it was signed with */
            key: string;
            /** @description The signed note */
            note: string;
        };
        /** @description A signed checkpoint: how long the ledger is, and its root. */
        CheckpointView: {
            /**
             * Format: uint64
             * @description Batches in the ledger.
             */
            batches: number;
            /** @description The public key that its signature is checked with. */
            key: string;
            /** @description The C2SP signed note. */
            note: string;
            /** @description The root over all of them. */
            root: string;
        };
        /** @description What a media type is, for people. */
        Class: "image" | "video" | "audio" | "other";
        CleanBody: {
            /** @description This sandbox run, whether or not its time has come */
            run?: string | null;
        };
        /** @description What would go. */
        CleanPlan: {
            /** @description False: nothing was changed. */
            applied: boolean;
            /** @description Blobs that would go with them or without. */
            blobs: components["schemas"]["Waiting"];
            /** @description Sandbox runs whose results would go. */
            runs: components["schemas"]["RunPlan"][];
        };
        /** @description What came of a body of payloads. */
        Collection: {
            /**
             * Format: uint64
             * @description Payloads that were read.
             */
            accepted: number;
            /**
             * Format: uint64
             * @description Documents that were made of them, those included that were recorded before.
             */
            documents: number;
            /** @description Why the first of those that were left out was. */
            message?: string | null;
            /**
             * Format: uint64
             * @description Payloads that were left out.
             */
            rejected: number;
        };
        /** @description A collection and what belongs to it now. */
        CollectionDetail: {
            /** @description What it is for. */
            about: string;
            /** @description Its id. */
            collection: string;
            /** @description What a dynamic one asks. */
            filter: string | null;
            /** @description `all`, `static`, `dynamic` or `withdrawn`. */
            kind: string;
            /**
             * Format: int64
             * @description How many a static one lists.
             */
            members: number | null;
            /**
             * Format: uint64
             * @description Assets that belong to it now.
             */
            members_now: number;
            /** @description Its name; none when it was made for one run. */
            name: string | null;
            /**
             * Format: uint64
             * @description How many of them are present: what a run would freeze.
             */
            present_now: number;
            /** @description The record that defines it. */
            record?: string | null;
            /**
             * Format: int64
             * @description How often it was defined.
             */
            revision: number | null;
            /**
             * Format: int64
             * @description Its place in the ledger.
             */
            seq?: number | null;
        };
        /** @description A collection in a list. */
        CollectionView: {
            /** @description What it is for. */
            about: string;
            /** @description Its id. */
            collection: string;
            /** @description What a dynamic one asks. */
            filter: string | null;
            /** @description `all`, `static`, `dynamic` or `withdrawn`. */
            kind: string;
            /**
             * Format: int64
             * @description How many a static one lists.
             */
            members: number | null;
            /** @description Its name; none when it was made for one run. */
            name: string | null;
            /**
             * Format: int64
             * @description How often it was defined.
             */
            revision: number | null;
        };
        /** @description One page of a list. */
        CollectionViewPage: {
            /** @description What is on it. */
            items: components["schemas"]["CollectionView"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description What each collector did so far. */
        Collectors: {
            /** @description In a fixed order. */
            collectors: components["schemas"]["CollectorStatus"][];
        };
        /** @description What one collector did so far. */
        CollectorStatus: {
            /**
             * Format: uint64
             * @description Those of them that could not be read.
             */
            badRecords: number;
            /** @description Its word: `claude_jsonl`, `codex_jsonl`, `openclaw_jsonl`, `otlp_traces`, `otlp_metrics`, `otlp_logs` or `litellm`. */
            collector: string;
            /**
             * Format: uint64
             * @description Documents that it made of them.
             */
            documents: number;
            /**
             * Format: uint64
             * @description Files that it has read; left out where there are none.
             */
            files?: number | null;
            /** @description The last thing that went wrong: of one reading, so it names a part of what [`Self::bad_records`] counts. */
            problem?: string | null;
            /** @description When it last read anything; left out when it never did. */
            readAt?: string | null;
            /**
             * Format: uint64
             * @description Lines, spans, data points, log records or payloads that it read.
             */
            records: number;
            /**
             * Format: uint64
             * @description Documents that were larger than a record may be.
             */
            refused: number;
        };
        /** @description A file that belongs to an asset. */
        Companion: {
            /** @description Its asset. */
            asset_id: string;
            /** @description How sure that is. */
            confidence: components["schemas"]["Confidence"];
            /** @description Its path, for people. */
            path: string;
            /** @description The same, raw bytes in base64. */
            path_b64: string;
            /** @description How the two belong together. */
            relation: components["schemas"]["Relation"];
            /** @description What it is of the two. */
            role: string;
            /** @description What says so. */
            rule: components["schemas"]["Rule"];
            /** @description Its source, by name. */
            source: string;
        };
        /** @description Two runs side by side. */
        Comparison: {
            /** @description What they found. */
            facts: components["schemas"]["FactComparison"];
            /** @description Which was faster, by the mean time of a unit over the steps that both have; absent when that cannot be said. */
            faster: components["schemas"]["Verdict"] | null;
            /** @description Which had the smaller part of failed units; absent when that cannot be said. */
            more_reliable: components["schemas"]["Verdict"] | null;
            /** @description The first and the second. */
            runs: components["schemas"]["RunSide"][];
            /** @description Steps that both have, by name, with their times. */
            steps: components["schemas"]["StepPair"][];
        };
        /** @description How sure it is that two files belong together, surest first. */
        Confidence: "certain" | "probable" | "ambiguous";
        /** @description A document that was refused. */
        Conflict: {
            /** @description Fingerprint of what was refused. */
            fingerprint: string;
            /** @description The key that it came under. */
            key: string;
            /**
             * Format: int64
             * @description Its place in the ledger.
             */
            ledgerSeq: number;
            /** @description What stands already: `key`, `terminal` or `event`. */
            reason: string;
            /** @description The session. */
            sessionId: string;
            /**
             * Format: int64
             * @description The place in the ledger of what stands.
             */
            standing: number;
        };
        /** @description One page of a list. */
        ConflictPage: {
            /** @description What is on it. */
            items: components["schemas"]["Conflict"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description What something cost at some time. */
        CostRevision: {
            /** @description The call; absent for the session. */
            callId?: string | null;
            /** @description When. */
            computedAt: string;
            /** @description `exact`, `estimated` or `unknown`. */
            confidence: string;
            /** @description `high`, `medium`, `low` or `unknown`. */
            confidenceLevel: string;
            /**
             * Format: double
             * @description USD with six decimals; absent when it is unknown.
             */
            costUsd?: number | null;
            /** @description The prices that it rests on; absent when it has none. */
            pricingVersion?: string | null;
            /** @description Why it was reckoned: `ingest` or `recompute`. */
            reason: string;
            /**
             * Format: int64
             * @description From 1; the last of a subject is what stands.
             */
            revision: number;
            /** @description `provider_reported`, `derived` or `missing`. */
            source: string;
            /** @description `call`, or `session` for one that tells its sums and not its calls. */
            subject: string;
        };
        /** @description How much of it has a cost. */
        Coverage: {
            /**
             * Format: int64
             * @description Sessions that go on.
             */
            liveRuns: number;
            /**
             * Format: int64
             * @description Sessions with a cost.
             */
            pricedRuns: number;
            /**
             * Format: int64
             * @description Sessions without.
             */
            unpricedRuns: number;
        };
        /** @description A session. */
        Detail: {
            /** @description Its calls by time, when `include` asks for them; 5,000 at most. */
            calls?: components["schemas"]["LedgerCall"][] | null;
            /** @description What it and its calls cost, now and before costs were reckoned anew, when `include` asks for it. */
            costs?: components["schemas"]["CostRevision"][] | null;
            /** @description What happened, in order; 5,000 at most. */
            events: components["schemas"]["LedgerEvent"][];
            /** @description Where the events go on; absent when these are all. */
            eventsNext?: string | null;
            /** @description Its row in the ledger. */
            ledger: components["schemas"]["LedgerEntry"];
            /** @description Its place in the ledger, when `include` asks for it. */
            proof?: components["schemas"]["SessionProof"] | null;
            /** @description What it used and cost. */
            usage?: components["schemas"]["SessionUsage"] | null;
        };
        /** @description What this machine offers and what is missing, as `exhibit doctor --json` prints it. */
        Diagnosis: {
            [key: string]: unknown;
        };
        /** @description Facts at one place that are not the same. */
        Difference: {
            /** @description The asset. */
            asset_id: string;
            /** @description Artifacts of the first run. */
            first: string[];
            /** @description The kind. */
            kind: string;
            /** @description Artifacts of the second run. */
            second: string[];
            /** @description The span in milliseconds. */
            span_ms: [
                number,
                number
            ] | null;
        };
        /** @description A sum that is not what the rows come to. */
        Difference2: {
            /** @description The agent. */
            agent: string;
            /** @description Start of the bucket. */
            bucketAt: string;
            /** @description The category. */
            category: string;
            /** @description The column. */
            column: string;
            /**
             * Format: int64
             * @description What the rows come to.
             */
            counted: number;
            /**
             * Format: int64
             * @description Seconds that the bucket is long.
             */
            grain: number;
            /** @description The model. */
            model: string;
            /**
             * Format: int64
             * @description What is kept.
             */
            stored: number;
            /** @description The table. */
            table: string;
        };
        /** @description A question about the ledger. */
        Drilldown: {
            /** @description As it was asked. */
            agent?: string | null;
            /** @description As it was asked. */
            from?: string | null;
            /** @description The model. */
            model: string;
            /** @description Always `failed`. */
            status: string;
            /** @description As it was asked. */
            to?: string | null;
        };
        /** @description A kind that an extractor emits. */
        Emitted: {
            /** @description Its name. */
            kind: string;
            /**
             * Format: uint32
             * @description Its version.
             */
            schema_version: number;
        };
        /** @description The body of a call that needs no words: `{}`. */
        Empty: Record<string, never>;
        /** @description The logical view of an artifact: API, CLI and exports. It is not the table. */
        Envelope: {
            /** @description Its id. */
            artifact_id: string;
            /** @description The name of its kind. */
            artifact_type: string;
            /** @description The asset it is about. */
            asset_id: string | null;
            /** @description The bytes that belong to it. */
            blob?: components["schemas"]["BlobRef"] | null;
            /** @description See [`crate::lineage::LineageParts::config_hash`]. */
            config_hash: string;
            /** @description See [`Claim::content_hash`]. */
            content_hash: string;
            /**
             * Format: date-time
             * @description When the gate took it in.
             */
            created_at: string;
            /** @description See [`crate::lineage::LineageParts::input_hash`]. */
            input_hash: string;
            /** @description Content hashes of the records that were read, sorted. */
            inputs: string[];
            /** @description The strength of the run. */
            model_profile: components["schemas"]["ModelProfile"];
            /** @description What is claimed. */
            payload: unknown;
            /** @description The extractor that made it. */
            producer: string;
            /** @description Its version. */
            producer_version: string;
            /** @description The run that made it. */
            run_id: string;
            /**
             * Format: uint32
             * @description The version of its kind.
             */
            schema_version: number;
            /**
             * Format: int64
             * @description End within the asset, in milliseconds.
             */
            span_end_ms: number | null;
            /**
             * Format: int64
             * @description Start within the asset, in milliseconds.
             */
            span_start_ms: number | null;
        };
        /** @description Whether anything is written. */
        Evaluate: {
            /** @description The moment that is looked at, a time that is past; only a dry run looks at what is to come. Now, when it is absent. */
            at?: string | null;
            /**
             * @description Only say what would happen.
             * @default false
             */
            dryRun?: boolean;
            /** @description In a dry run: what this rule would find, as it would be made; the saved ones are left alone. */
            rule?: {
                [key: string]: unknown;
            } | null;
        };
        /** @description Where the original was when the unit ended, and where it is. */
        Explanation: {
            /** @description The logical view of the artifact. */
            artifact: components["schemas"]["Envelope"];
            /** @description True when its payload went with an expired or discarded sandbox run; what the leaf was computed from is still here. */
            erased: boolean;
            /** @description Its place in the ledger, with the proof. */
            ledger: components["schemas"]["InclusionProof"];
            /** @description How it was made. */
            made: components["schemas"]["MadeView"];
            /** @description The original: media type and size. */
            original: components["schemas"]["OriginalView"];
            /** @description Problems of this one record; empty when it is as it was written. */
            problems: components["schemas"]["LedgerProblem"][];
            /** @description Whether the proof holds, and everything that is not as it was written. */
            proof_holds: boolean;
        };
        ExportBody: {
            /** @description These assets; not together with another selection */
            assets?: string[] | null;
            /** @description The members of this collection; `all` when nothing else is named */
            collection?: string | null;
            /** @description What fulfils this filter now; not together with another selection */
            filter?: string | null;
            /**
             * @description What sandbox runs found, too
             * @default false
             */
            sandboxes?: boolean;
            /** @description What of them; all three without */
            what?: components["schemas"]["Part"][] | null;
        };
        /** @description That the ledger extends a checkpoint: nothing before it was changed. */
        Extension: {
            /**
             * Format: uint64
             * @description Batches now.
             */
            batches: number;
            /**
             * Format: uint64
             * @description Batches at the checkpoint.
             */
            checkpoint_batches: number;
            /** @description The root at the checkpoint. */
            checkpoint_root: string;
            /** @description Always true; what does not hold is an error. */
            extends: boolean;
            /** @description The root now. */
            root: string;
        };
        /** @description Every extractor. */
        Extractors: {
            /** @description Plug-ins that cannot. */
            broken: components["schemas"]["BrokenView"][];
            /** @description Those that can be used. */
            items: components["schemas"]["ExtractorView"][];
        };
        /** @description An extractor. */
        ExtractorView: {
            /** @description One sentence. */
            about: string;
            /** @description Of a plug-in: what is started. */
            command?: string[] | null;
            /** @description Of a plug-in: the digest of all its files. */
            digest?: string | null;
            /** @description Kinds that it emits. */
            emits: components["schemas"]["Emitted"][];
            /** @description What one unit may use. */
            limits: components["schemas"]["Limits"];
            /** @description Classes of originals it takes. */
            media: components["schemas"]["MediaClass"][];
            /** @description Its name. */
            name: string;
            /** @description Of a plug-in: digests of the versions that are kept and not used. */
            older?: string[] | null;
            /** @description `built-in` or `plug-in`. */
            origin: string;
            /** @description JSON Schema of its parameters. */
            params: unknown;
            /** @description The version that it states itself. */
            stated_version: string;
            /** @description Outside programs that it runs. */
            tools: components["schemas"]["Tool"][];
            /** @description Its version; of a plug-in the digest of all its files. */
            version: string;
        };
        /** @description How the facts of two runs differ. */
        FactComparison: {
            /**
             * Format: uint64
             * @description Facts at the same asset, kind and span with other content.
             */
            differing: number;
            /** @description The first of those that are not the same; when they are more than were asked for, some of each sort. */
            examples: components["schemas"]["Difference"][];
            /**
             * Format: uint64
             * @description Facts that only the first found.
             */
            only_first: number;
            /**
             * Format: uint64
             * @description Facts that only the second found.
             */
            only_second: number;
            /**
             * Format: uint64
             * @description Facts that both found, equal.
             */
            same: number;
        };
        /** @description One fact about an asset, as `show` prints it. */
        FactView: {
            /** @description The artifact. */
            artifact_id: string;
            /** @description The asset that it is about. */
            asset_id: string | null;
            /** @description SHA-256 of its blob. */
            blob: string | null;
            /**
             * Format: uint64
             * @description Size of the blob in bytes.
             */
            blob_bytes: number | null;
            /** @description Media type of the blob. */
            blob_media_type: string | null;
            /** @description What is claimed, as one digest. */
            content_hash: string;
            /** @description The kind. */
            kind: string;
            /** @description What is claimed; `null` once it was erased. */
            payload: unknown;
            /**
             * Format: uint32
             * @description Version of the kind.
             */
            schema_version: number;
            /**
             * Format: int64
             * @description End of the span in milliseconds.
             */
            span_end_ms: number | null;
            /**
             * Format: int64
             * @description Start of the span in milliseconds.
             */
            span_start_ms: number | null;
        };
        /** @description One page of a list. */
        FactViewPage: {
            /** @description What is on it. */
            items: components["schemas"]["FactView"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description A filter that is understood. */
        FilterAnswer: {
            /**
             * Format: uint64
             * @description How many assets fulfil it, missing ones included.
             */
            matches: number;
            /** @description As it was given. */
            text: string;
        };
        /** @description The connection to the gateway. */
        GatewayStatus: {
            /** @description It was reached just now. */
            connected: boolean;
            /** @description And it calls itself well. */
            healthy: boolean;
            /** @description Why it could not be asked, when it could not. */
            problem?: string | null;
            /** @description What is shown is older than the last attempt to ask. */
            stale: boolean;
        };
        /** @description Whether the process lives. */
        Health: {
            /** @description Always `ok`. */
            status: string;
        };
        /** @description What is to be taken over. */
        ImportAsk: {
            /**
             * @description Only say what would become of it.
             * @default false
             */
            dryRun?: boolean;
            /** @description The sort of file. */
            kind: components["schemas"]["ImportKind"];
            /** @description Where it lies below `agents.import.folder` on the machine of the server. */
            path: string;
            /**
             * @description A row that says something else than what stands becomes a further revision.
             * @default false
             */
            replace?: boolean;
        };
        /** @description The sums of the file, and of the same sessions here. */
        ImportCompared: {
            /** @description As the file has them. */
            file: components["schemas"]["ImportTotals"];
            /** @description As they are here. */
            stored: components["schemas"]["ImportTotals"];
        };
        /** @description An import, and rows of it. */
        ImportDetail: {
            /** @description Whether nothing was written. */
            dryRun: boolean;
            /**
             * Format: uint64
             * @description Rows that were refused.
             */
            errors: number;
            /** @description When it ended; absent when it was broken off. */
            finishedAt?: string | null;
            /** @description The sort of file. */
            kind: components["schemas"]["ImportKind"];
            /** @description The `cursor` with which its report goes on; absent when these are the last of them. */
            next?: string | null;
            /** @description Whether every session and every usage was read and the sums are the same; absent when nothing was written. */
            parityOk?: boolean | null;
            /** @description Where the file was. */
            path: string;
            /**
             * Format: uint64
             * @description Rows of the file: those below together.
             */
            read: number;
            /** @description Its id; a dry run has none. */
            reportId?: string | null;
            /** @description Rows that were not written, in the order of the file. */
            rows: components["schemas"]["ImportRow"][];
            /**
             * Format: uint64
             * @description Rows beyond those whose reasons are kept.
             */
            rowsOmitted: number;
            /**
             * Format: uint64
             * @description Rows that were here before, or that something newer stands in the place of.
             */
            skipped: number;
            /** @description SHA-256 of its bytes, 64 hex digits. */
            sourceHash: string;
            /** @description When it began. */
            startedAt: string;
            /** @description The sums of the file and of the same sessions here, money in nano-USD. */
            totals: components["schemas"]["ImportCompared"];
            /**
             * Format: uint64
             * @description Rows that are here now, or would be.
             */
            written: number;
        };
        /** @description A file that was taken over. */
        ImportedFile: {
            /** @description SHA-256 of its bytes now, when they changed. */
            hash?: string | null;
            /** @description SHA-256 of its bytes then, 64 hex digits. */
            importedHash: string;
            /** @description Where it is. */
            path: string;
            /** @description Why it cannot be read. */
            reason?: string | null;
            /** @description The report of its last import. */
            reportId: string;
            /** @description `same`, `changed`, `gone` or `unreadable`. */
            state: string;
        };
        /** @description One page of a list. */
        ImportedFilePage: {
            /** @description What is on it. */
            items: components["schemas"]["ImportedFile"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description The sort of a file. */
        ImportKind: "v3_json" | "v41_sqlite";
        /** @description What an import did. */
        ImportReport: {
            /** @description Whether nothing was written. */
            dryRun: boolean;
            /**
             * Format: uint64
             * @description Rows that were refused.
             */
            errors: number;
            /** @description When it ended; absent when it was broken off. */
            finishedAt?: string | null;
            /** @description The sort of file. */
            kind: components["schemas"]["ImportKind"];
            /** @description Whether every session and every usage was read and the sums are the same; absent when nothing was written. */
            parityOk?: boolean | null;
            /** @description Where the file was. */
            path: string;
            /**
             * Format: uint64
             * @description Rows of the file: those below together.
             */
            read: number;
            /** @description Its id; a dry run has none. */
            reportId?: string | null;
            /**
             * Format: uint64
             * @description Rows beyond those whose reasons are kept.
             */
            rowsOmitted: number;
            /**
             * Format: uint64
             * @description Rows that were here before, or that something newer stands in the place of.
             */
            skipped: number;
            /** @description SHA-256 of its bytes, 64 hex digits. */
            sourceHash: string;
            /** @description When it began. */
            startedAt: string;
            /** @description The sums of the file and of the same sessions here, money in nano-USD. */
            totals: components["schemas"]["ImportCompared"];
            /**
             * Format: uint64
             * @description Rows that are here now, or would be.
             */
            written: number;
        };
        /** @description One page of a list. */
        ImportReportPage: {
            /** @description What is on it. */
            items: components["schemas"]["ImportReport"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description A row that was not written. */
        ImportRow: {
            /** @description `skipped` or `error`. */
            outcome: string;
            /** @description Why. */
            reason: string;
            /** @description Where it stands in the file, counted from 0: `ledger[3]`. */
            ref: string;
        };
        /** @description Sums over sessions. What is unknown adds nothing. */
        ImportTotals: {
            /**
             * Format: int64
             * @description Tokens that came out.
             */
            completionTokens: number;
            /**
             * Format: int64
             * @description Nano-USD.
             */
            costNano: number;
            /**
             * Format: int64
             * @description Tokens that went in.
             */
            promptTokens: number;
            /**
             * Format: int64
             * @description Sessions.
             */
            runs: number;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            runtimeMs: number;
            /**
             * Format: int64
             * @description All tokens.
             */
            totalTokens: number;
        };
        /** @description Everything that shows, without the database, that a leaf is in a ledger with a known root. */
        InclusionProof: {
            /**
             * Format: int64
             * @description When the batch was committed, microseconds UTC.
             */
            at_us: number;
            /**
             * Format: int64
             * @description Its batch.
             */
            batch: number;
            /**
             * Format: int64
             * @description Batches in the ledger.
             */
            batches: number;
            /**
             * Format: int64
             * @description Records in the batch.
             */
            count: number;
            /**
             * Format: int64
             * @description Place of the first record of the batch.
             */
            first_seq: number;
            /** @description Its leaf hash. */
            leaf: string;
            /** @description Root over the leaves of the batch. */
            leaves_root: string;
            /** @description From the leaf to the root of the batch. */
            path_in_batch: string[];
            /** @description From the batch to the root of the ledger. */
            path_in_ledger: string[];
            /** @description Root of the ledger. */
            root: string;
            /**
             * Format: int64
             * @description Place of the record.
             */
            seq: number;
        };
        /** @description How instances of a rule stand. */
        Instances: {
            /** @description The instances. */
            items: components["schemas"]["InstanceView"][];
        };
        /** @description How an instance of a rule stands. */
        InstanceView: {
            /** @description When it was acknowledged. */
            ackedAt?: string | null;
            /** @description Who did. */
            ackedBy?: string | null;
            /**
             * Format: int64
             * @description How often it opened.
             */
            episode: number;
            /** @description `active`, `suppressed` or `resolved`. */
            lifecycle: string;
            /** @description The instance. */
            scopeKey: string;
            /** @description Until when it is silent. */
            silencedUntil?: string | null;
            /** @description `ok`, `warning` or `critical`. */
            status: string;
        };
        /** @description Long work that is no run. */
        Job: {
            /**
             * Format: uint64
             * @description How much is done.
             */
            done: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended: string | null;
            /** @description Its id. */
            job: string;
            /** @description Why it failed. */
            problem: components["schemas"]["Problem"] | null;
            /** @description What came of it; its shape depends on `what`. Not in lists and events, which only say where a job stands. */
            result: unknown;
            /**
             * Format: date-time
             * @description When it began.
             */
            started: string;
            /** @description Where it stands. */
            state: components["schemas"]["JobState"];
            /** @description What it is done to, for people. */
            subject: string;
            /**
             * Format: uint64
             * @description How much there is to do, once that is known.
             */
            total: number | null;
            /** @description What `done` and `total` count. */
            unit: string;
            /** @description What is done: `verify`, `replay`, `export` or `clean`. */
            what: string;
        };
        /** @description One page of a list. */
        JobPage: {
            /** @description What is on it. */
            items: components["schemas"]["Job"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description Where a job stands. */
        JobState: "running" | "done" | "failed" | "cancelled";
        /** @description How many numbers are known, and how many are not. */
        Known: {
            /** @description Of costs. */
            cost: {
                [key: string]: number;
            };
            /** @description Of runtimes. */
            runtime: {
                [key: string]: number;
            };
        };
        /** @description A page of sessions. */
        Ledger: {
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /** @description The sessions. */
            rows: components["schemas"]["LedgerEntry"][];
            /**
             * Format: int64
             * @description How many there are in all.
             */
            total: number;
        };
        /** @description A call of a session to a model. */
        LedgerCall: {
            /** @description The id that its feed gave it. */
            callId: string;
            /** @description `exact`, `estimated` or `unknown`. */
            costConfidence: string;
            /** @description `high`, `medium`, `low` or `unknown`. */
            costConfidenceLevel: string;
            /** @description `provider_reported`, `derived` or `missing`. */
            costSource: string;
            /**
             * Format: double
             * @description USD with six decimals; absent when it is unknown.
             */
            costUsd?: number | null;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            durationMs?: number | null;
            /** @description A word for what went wrong. */
            errorCode?: string | null;
            /** @description Where its word comes from. */
            feed: string;
            /**
             * Format: int64
             * @description Place in the ledger of the document whose word counts.
             */
            ledgerSeq: number;
            /** @description The model. */
            modelId: string;
            /** @description The prices that the cost rests on. */
            pricingVersion?: string | null;
            /** @description Who serves it. */
            provider?: string | null;
            /** @description The provider's object, as it came. */
            rawUsage?: unknown;
            /** @description The id that the provider gave the answer. */
            responseId?: string | null;
            /**
             * Format: int64
             * @description How often its word changed, from 1.
             */
            revision: number;
            /** @description How the counts were told. */
            semantics: string;
            /** @description `standard`, `batch`, `flex` or `priority`. */
            serviceTier?: string | null;
            /** @description The session that it counts for. */
            sessionId: string;
            /** @description When it began. */
            startedAt: string;
            /** @description `success`, `failed` or `cancelled`. */
            status: string;
            /** @description `high`, `medium`, `low` or `unknown`. */
            tokenConfidence: string;
            /** @description `provider_reported`, `derived` or `missing`. */
            tokenSource: string;
            /**
             * Format: int64
             * @description All tokens, where nothing but their number is known.
             */
            totalOnly?: number | null;
            /** @description Tokens in buckets that do not overlap. */
            usage: {
                [key: string]: number;
            };
        };
        /** @description One page of a list. */
        LedgerCallPage: {
            /** @description What is on it. */
            items: components["schemas"]["LedgerCall"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description A session in the ledger. */
        LedgerEntry: {
            /** @description The agent. */
            agentId: string;
            /** @description The agent, for people. */
            agentLabel: string;
            /**
             * Format: int64
             * @description Things that it made.
             */
            artifactCount: number;
            /** @description When it ended. */
            endedAt?: string | null;
            /** @description A word for what went wrong. */
            errorCode?: string | null;
            /** @description What went wrong. */
            errorMessage?: string | null;
            /** @description When the stored revision was recorded. */
            ingestedAt: string;
            /** @description The model. */
            modelId: string;
            /** @description The run of the agent's own system. */
            runId?: string | null;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            runtimeMs: number;
            /** @description Its id. */
            sessionId: string;
            /** @description Version of what sent it. */
            sourceVersion?: string | null;
            /** @description When it began. */
            startedAt: string;
            /** @description `success`, `failed`, `killed`, `cancelled`, `running` or `queued`. */
            status: string;
            /** @description What sort of task it is. */
            taskCategory?: string | null;
            /** @description The task in full. */
            taskText?: string | null;
            /** @description The task in a line. */
            taskTitle?: string | null;
            /** @description What it used, when `include` asks for it. */
            usage?: components["schemas"]["SessionUsage"] | null;
        };
        /** @description Something that happened in a session. */
        LedgerEvent: {
            /** @description Its id. */
            eventId: string;
            /** @description When it happened. */
            eventTs: string;
            /** @description `tool_call`, `message`, `state_transition`, `artifact`, `error` or `metric`. */
            eventType: string;
            /** @description What it says. */
            payload: {
                [key: string]: unknown;
            };
            /**
             * Format: int64
             * @description Its place.
             */
            seq: number;
            /** @description The session. */
            sessionId: string;
        };
        /** @description One thing that is not as it was written. */
        LedgerProblem: {
            /** @description A word from a closed list. */
            code: string;
            /** @description What is wrong, for people. */
            message: string;
            /** @description What it is about: `record 17 (art_…)`, `batch 3`, `blob …`. */
            subject: string;
        };
        /** @description One problem of a document. */
        LegacyDetail: {
            /** @description The field, as the canonical document names it. */
            field: string;
            /** @description What is wrong with it. */
            message: string;
        };
        /** @description What is wrong. */
        LegacyError: string | {
            /** @description The code. */
            code: string;
            /** @description Each problem, in byte order of field and message. */
            details: components["schemas"]["LegacyDetail"][];
            /** @description What it means. */
            message: string;
        };
        /** @description A problem below `/api/`. */
        LegacyProblem: {
            /** @description What is wrong: a sentence, or for a document that was refused a code, a message and each problem. */
            error: components["schemas"]["LegacyError"];
            /** @description The scope that is missing. */
            requiredScope?: string | null;
        };
        /** @description Limits of an extractor process. Never part of the config hash: they decide whether, not what. */
        Limits: {
            /**
             * Format: uint64
             * @description Address space of each process, in bytes; a coarse guard.
             */
            address_space_bytes: number;
            /**
             * Format: uint64
             * @description Largest file that may be written to scratch, in bytes.
             */
            file_bytes_max: number;
            /**
             * Format: uint64
             * @description CPU seconds that one unit may use in the extractor process itself and, separately, in each tool it starts.
             */
            unit_cpu_s: number;
            /**
             * Format: uint64
             * @description Wall-clock seconds after which the host gives a unit up.
             */
            unit_wall_s: number;
        };
        /** @description One of many documents, and what became of it. */
        Line: {
            /** @description The body that it would have been answered with alone. */
            body: unknown;
            /**
             * Format: uint
             * @description Its place, from 0.
             */
            index: number;
            /**
             * Format: uint16
             * @description The status that it would have been answered with alone.
             */
            status: number;
        };
        /** @description A list that is in the ledger now. */
        Loaded: {
            /**
             * Format: uint
             * @description Its models.
             */
            models: number;
            /** @description Its name. */
            pricingVersion: string;
            /** @description Whether it had been there before. */
            wasThere: boolean;
        };
        /** @description A token that becomes a session. */
        LoginBody: {
            /** @description A token, or the code of a login link. */
            token: string;
        };
        /** @description How an artifact was made. */
        MadeView: {
            /**
             * Format: int64
             * @description Attempts of the unit.
             */
            attempts: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended: string | null;
            /** @description Worker, duration in microseconds, input check, tools, build, as the host noted them. */
            host: unknown;
            /** @description SHA-256 of what was found, as it was found. */
            lineage_hash: string;
            /** @description All parameters of the step. */
            params: unknown;
            /** @description The pipeline with its version. */
            pipeline: string;
            /** @description Version of the pipeline. */
            pipeline_version: string;
            /** @description `sandbox` or `production`. */
            policy: string;
            /**
             * Format: date-time
             * @description When the unit was leased.
             */
            started: string | null;
            /** @description Name of the step. */
            step: string;
        };
        /** @description How the sessions of a model that have ended did. */
        MatrixRow: {
            /** @description Whether the medians are known to 1/256 of themselves only. */
            approx: boolean;
            /**
             * Format: int64
             * @description Because nobody wanted them any more.
             */
            cancelledCount: number;
            /** @description What the ledger is asked for to see the failures. */
            failedDrilldown: components["schemas"]["Drilldown"];
            /**
             * Format: int64
             * @description Without.
             */
            failureCount: number;
            /**
             * Format: double
             * @description Failures of those that succeeded or failed.
             */
            failureRate: number;
            /**
             * Format: int64
             * @description Whose end was concluded from silence.
             */
            inferredCount: number;
            /**
             * Format: int64
             * @description By force.
             */
            killedCount: number;
            /**
             * Format: double
             * @description USD with six decimals: the median of known costs, 0 when there are none.
             */
            medianCostUsd: number;
            /**
             * Format: double
             * @description Milliseconds: the median of known runtimes, 0 when there are none.
             */
            medianRuntimeMs: number;
            /** @description The model. */
            modelId: string;
            /** @description How many runtimes and costs are known. */
            provenance: components["schemas"]["Known"];
            /**
             * Format: int64
             * @description Sessions that have ended.
             */
            runsTotal: number;
            /** @description Whether these are too few to say anything. */
            sampleWarning: boolean;
            /**
             * Format: int64
             * @description With success.
             */
            successCount: number;
            /**
             * Format: double
             * @description Success of all.
             */
            successRate: number;
        };
        /** @description Who is logged in. */
        Me: {
            /** @description When it ends. */
            expires: string | null;
            /** @description The name of the token or login. */
            name: string;
            /** @description What it may do. */
            scopes: string[];
        };
        /** @description The broad class of an original, decided by its media type. */
        MediaClass: "image" | "video" | "audio" | "other";
        /** @description One thing that is wrong with a request. */
        Mistake: {
            /** @description What, as a word that does not change. */
            code: string;
            /**
             * Format: uint
             * @description In a filter: how many bytes it covers.
             */
            length?: number | null;
            /** @description What, for people. */
            message: string;
            /**
             * Format: uint
             * @description In a filter: the byte where it begins.
             */
            offset?: number | null;
            /** @description Where: a JSON pointer into the body, or `/` and the name of a parameter. */
            pointer: string;
        };
        /** @description The strength of a model run. */
        ModelProfile: "fast" | "balanced" | "high_quality";
        /** @description A row for each model. */
        Models: {
            /** @description The rows: the most sessions first, then by name. */
            rows: components["schemas"]["MatrixRow"][];
        };
        MoveBody: {
            /** @description The folder where it lies now, as an absolute path on the machine of the server */
            root: string;
        };
        /** @description Where an asset stands in the timeline. */
        Neighbours: {
            /** @description Its month. */
            bucket: string;
            /**
             * Format: uint64
             * @description Its place, from 0.
             */
            index: number;
            /** @description The older one. */
            next: string | null;
            /** @description The newer one. */
            previous: string | null;
            /**
             * Format: uint64
             * @description Assets in all.
             */
            total: number;
        };
        NewCollection: {
            /**
             * @description What it is for
             * @default
             */
            about?: string;
            /** @description These assets */
            assets?: string[] | null;
            /** @description Whatever fulfils this filter when it is asked */
            filter?: string | null;
            /** @description Its name: letters, digits, `_`, `-` and `.` */
            name: string;
            /**
             * @description Put this definition in the place of another one with the same name
             * @default false
             */
            replace?: boolean;
            /** @description The assets of this run whose units are in the state `state` */
            run?: string | null;
            /** @description With `run` */
            state?: components["schemas"]["UnitState"] | null;
        };
        NewRun: {
            /** @description The collection to run over; `all` without */
            collection?: string | null;
            /** @description Run over what fulfils this filter now; not together with `collection` */
            filter?: string | null;
            /** @description The pipeline */
            pipeline: string;
            /** @description `production` without */
            policy?: components["schemas"]["Policy"] | null;
            /**
             * @description Do everything again, also what was done before
             * @default false
             */
            recompute?: boolean;
            /**
             * @description Parameters, each as `step.param=value`
             * @default []
             */
            set?: string[];
        };
        NewSource: {
            /** @description Its name; the name of the folder without */
            name?: string | null;
            /** @description The folder, as an absolute path on the machine of the server */
            root: string;
            /**
             * @description Read everything, and report bytes that changed though size and time did not
             * @default false
             */
            verify?: boolean;
        };
        /** @description The original. */
        OriginalView: {
            /** @description Found from its first bytes. */
            media_type: string;
            /** @description Paths that it had when the fact was made. */
            paths: components["schemas"]["PathView"][];
            /**
             * Format: int64
             * @description Size in bytes.
             */
            size_bytes: number;
        };
        /** @description A path that the last scan could not take in. */
        OutcomeView: {
            /** @description Why, as a word. */
            code: string;
            /** @description Why, for people. */
            detail: string;
            /** @description The path, for people. */
            path: string;
            /** @description The same, raw bytes in base64. */
            path_b64: string;
        };
        /** @description One page of a list. */
        OutcomeViewPage: {
            /** @description What is on it. */
            items: components["schemas"]["OutcomeView"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description Whether the sums are what the rows come to. */
        Parity: {
            /**
             * Format: uint
             * @description Cuts that were compared.
             */
            cuts: number;
            /** @description The first of them. */
            differences: components["schemas"]["Difference2"][];
            /**
             * Format: uint
             * @description Sums that differ.
             */
            differing: number;
            /** @description Whether nothing differs. */
            holds: boolean;
        };
        Part: "originals" | "facts" | "blobs";
        /** @description A path for programs: `path` when it is text, `path_b64` always (the bytes). */
        PathView: {
            /**
             * Format: date-time
             * @description When it was first seen.
             */
            first_seen: string;
            /**
             * Format: date-time
             * @description When it was last seen there; for present paths the last scan.
             */
            last_seen: string;
            /** @description For people. */
            path: string;
            /** @description The raw bytes, base64. */
            path_b64: string;
            /** @description The source. */
            source: string;
            /** @description `present`, `missing` or `closed`. */
            state: string;
        };
        /** @description A pipeline. */
        PipelineView: {
            /** @description One sentence. */
            about: string;
            /** @description Its name. */
            name: string;
            /** @description What it does with each asset. */
            steps: components["schemas"]["StepView"][];
            /** @description Its version, a text of its author. */
            version: string;
        };
        /** @description One page of a list. */
        PipelineViewPage: {
            /** @description What is on it. */
            items: components["schemas"]["PipelineView"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @enum {string} */
        Policy: "production" | "sandbox";
        /** @description A list of prices. */
        PriceList: {
            /** @description Since when they hold. */
            effectiveFrom: string;
            /** @description When they were recorded. */
            loadedAt: string;
            /** @description Where the prices were taken from. */
            origin: string;
            /** @description Who answers for them. */
            owner: string;
            /** @description Its name. */
            pricingVersion: string;
            /** @description When they should be looked at again. */
            reviewAt?: string | null;
        };
        /** @description One page of a list. */
        PriceListPage: {
            /** @description What is on it. */
            items: components["schemas"]["PriceList"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description Why a request was not fulfilled. The id of the request is only in the header `x-request-id`, so that bodies can be compared. */
        Problem: {
            /** @description What, as a word that does not change. */
            code: string;
            /** @description What, for people. */
            detail: string;
            /** @description Each mistake in the request, sorted by pointer, code and message. */
            errors: components["schemas"]["Mistake"][];
            /** @description What to do. */
            hint?: string | null;
            /**
             * Format: uint16
             * @description The HTTP status.
             */
            status: number;
            /** @description The name of the status. */
            title: string;
            /** @description `about:blank`: the status says what it is. */
            type: string;
        };
        /** @description How far a recompute is. */
        Progress: {
            /**
             * Format: uint64
             * @description Those that cost something else now.
             */
            changed: number;
            /**
             * Format: double
             * @description What they cost now.
             */
            newCostUsd: number;
            /**
             * Format: double
             * @description What all of them cost before.
             */
            oldCostUsd: number;
            /** @description `planned` (nothing is written), `running`, `done` or `failed`. */
            state: string;
            /**
             * Format: uint64
             * @description Calls, and sessions that tell no calls, that nobody billed.
             */
            subjects: number;
            /**
             * Format: uint64
             * @description Those that do not.
             */
            unchanged: number;
        };
        /** @description A run whose results count from now on. */
        Promoted: {
            /** @description Its collection. */
            collection: string;
            /** @description The name of the collection; none when it was made for this run. */
            collection_name: string | null;
            /** @description Whether its results count: it is a production run, or was promoted. */
            counts: boolean;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created: string;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended: string | null;
            /**
             * Format: date-time
             * @description When they went.
             */
            expired: string | null;
            /**
             * Format: date-time
             * @description When its results may go, for a sandbox run that nobody promoted.
             */
            expires: string | null;
            /**
             * Format: int64
             * @description Frozen members of its collection.
             */
            members: number;
            /**
             * Format: int64
             * @description Members whose units are planned.
             */
            members_planned: number;
            /** @description Name and version of its pipeline. */
            pipeline: string;
            /** @description Version of the pipeline. */
            pipeline_version: string;
            /** @description `production` or `sandbox`. */
            policy: string;
            /** @description Always true. */
            promoted: boolean;
            /** @description Why it does not go on by itself. */
            reason: string | null;
            /** @description Failures, blocks and skips by reason; left out of lists of runs. */
            reasons?: components["schemas"]["ReasonStatus"][] | null;
            /** @description The run. */
            run: string;
            /**
             * Format: int64
             * @description Units in all.
             */
            scope: number;
            /**
             * Format: int64
             * @description The place of the record that says so in the ledger.
             */
            seq: number;
            /** @description Whether a server works it off; otherwise it belongs to the process of a command. */
            served: boolean;
            /**
             * Format: date-time
             * @description When work on it began.
             */
            started: string | null;
            /** @description Where it stands. */
            state: components["schemas"]["RunState"];
            /** @description The same by step. */
            steps: components["schemas"]["StepStatus"][];
            /** @description Units by state, over all steps. */
            units: {
                [key: string]: number;
            };
        };
        /** @description Whether requests are answered. */
        Readiness: {
            /** @description Why not: `starting`, `stopping`, or what has to be mended, such as `db_unreachable`, `db_newer` or `config_invalid`. */
            reason?: string | null;
            /** @description `ready` or `not_ready`. */
            status: string;
        };
        /** @description One reason. */
        ReasonStatus: {
            /**
             * Format: int64
             * @description How many units.
             */
            count: number;
            /** @description Why, for people, of that one. */
            example: string;
            /**
             * Format: int64
             * @description The first of them.
             */
            example_unit: number;
            /** @description The word. */
            reason: string;
            /** @description Failed, blocked or skipped. */
            state: components["schemas"]["UnitState"];
            /** @description Name of the step. */
            step: string;
        };
        /** @description A document that was taken in, now or before. */
        Receipt: {
            /** @description SHA-256 of the canonical document, in hex. */
            fingerprint: string;
            /** @description Whether it had been taken in before and nothing was written. */
            idempotent_replay?: boolean;
            /** @description Always true; older clients look for it. */
            ok: boolean;
            /**
             * Format: int64
             * @description The revision that it has.
             */
            revision: number;
            /** @description The session. */
            sessionId: string;
            /** @description Whether it came too late to change what is shown. */
            stale?: boolean;
        };
        /** @description How two files belong together. */
        Relation: "raw-picture" | "live-photo" | "sidecar";
        /** @description What was done. */
        Relocated: {
            /**
             * Format: uint
             * @description Files that are there as they were cataloged.
             */
            found: number;
            /** @description Where it was. */
            from: string;
            /**
             * Format: uint
             * @description Files that were looked for below the new root.
             */
            looked_for: number;
            /** @description The source, by name. */
            name: string;
            /** @description Where it is. */
            to: string;
        };
        RetryBody: {
            /** @description Only units that failed for this reason */
            reason?: string | null;
            /** @description Only units of this step */
            step?: string | null;
            /**
             * Format: uint32
             * @description Only this unit, by its ordinal in the run; not together with `step` or `reason`
             */
            unit?: number | null;
        };
        /** @description What says that two files belong together. */
        Rule: "content-identifier" | "same-name" | "sidecar-of-name" | "sidecar-for-extension" | "sidecar-of-stem";
        /** @description Rules. */
        RuleRows: {
            /** @description The rules. */
            rows: components["schemas"]["AlertRule"][];
        };
        /** @description What erasing a run would take, or took. */
        RunPlan: {
            /**
             * Format: uint64
             * @description Bytes of these payloads.
             */
            bytes: number;
            /** @description Its pipeline. */
            pipeline: string;
            /**
             * Format: uint64
             * @description Payloads.
             */
            records: number;
            /** @description The run. */
            run: string;
        };
        /** @description One run of a comparison. */
        RunSide: {
            /** @description Its newest benchmark record; absent while it has not ended. */
            benchmark: unknown;
            /**
             * Format: double
             * @description Failed units of those that were tried, from 0 to 1; absent when none was.
             */
            failed_part: number | null;
            /**
             * Format: int64
             * @description Frozen members.
             */
            members: number;
            /** @description Its pipeline. */
            pipeline: string;
            /** @description Version of the pipeline. */
            pipeline_version: string;
            /** @description `sandbox` or `production`. */
            policy: string;
            /** @description The run. */
            run: string;
            /** @description Units by state. */
            units: {
                [key: string]: number;
            };
        };
        /** @enum {string} */
        RunState: "queued" | "running" | "cancelling" | "cancelled" | "completed" | "partial" | "failed" | "pausing" | "paused";
        /** @description Everything about a run that people ask for. */
        RunStatus: {
            /** @description Its collection. */
            collection: string;
            /** @description The name of the collection; none when it was made for this run. */
            collection_name: string | null;
            /** @description Whether its results count: it is a production run, or was promoted. */
            counts: boolean;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created: string;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended: string | null;
            /**
             * Format: date-time
             * @description When they went.
             */
            expired: string | null;
            /**
             * Format: date-time
             * @description When its results may go, for a sandbox run that nobody promoted.
             */
            expires: string | null;
            /**
             * Format: int64
             * @description Frozen members of its collection.
             */
            members: number;
            /**
             * Format: int64
             * @description Members whose units are planned.
             */
            members_planned: number;
            /** @description Name and version of its pipeline. */
            pipeline: string;
            /** @description Version of the pipeline. */
            pipeline_version: string;
            /** @description `production` or `sandbox`. */
            policy: string;
            /** @description Why it does not go on by itself. */
            reason: string | null;
            /** @description Failures, blocks and skips by reason; left out of lists of runs. */
            reasons?: components["schemas"]["ReasonStatus"][] | null;
            /** @description The run. */
            run: string;
            /**
             * Format: int64
             * @description Units in all.
             */
            scope: number;
            /** @description Whether a server works it off; otherwise it belongs to the process of a command. */
            served: boolean;
            /**
             * Format: date-time
             * @description When work on it began.
             */
            started: string | null;
            /** @description Where it stands. */
            state: components["schemas"]["RunState"];
            /** @description The same by step. */
            steps: components["schemas"]["StepStatus"][];
            /** @description Units by state, over all steps. */
            units: {
                [key: string]: number;
            };
        };
        /** @description One page of a list. */
        RunStatusPage: {
            /** @description What is on it. */
            items: components["schemas"]["RunStatus"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        ScanBody: {
            /**
             * @description Read everything, and report bytes that changed though size and time did not
             * @default false
             */
            verify?: boolean;
        };
        /** @description What a scan did. */
        ScanReport: {
            /**
             * Format: uint64
             * @description Bytes that were read.
             */
            bytes_read: number;
            /** @description Assets of the source by class: how many and their bytes. */
            classes: {
                [key: string]: [
                    number,
                    number
                ];
            };
            /**
             * Format: uint64
             * @description Regular files found.
             */
            files: number;
            /**
             * Format: uint64
             * @description Files whose content was read.
             */
            files_read: number;
            /**
             * Format: uint64
             * @description Paths that are not there any more.
             */
            missing: number;
            /** @description Its name. */
            name: string;
            /**
             * Format: uint64
             * @description Assets that were not known before.
             */
            new_assets: number;
            /** @description What could not be taken in, by reason. */
            outcomes: {
                [key: string]: number;
            };
            /** @description Its folder, for people. */
            root: string;
            /**
             * Format: double
             * @description How long it took.
             */
            seconds: number;
            /** @description Id of the source. */
            source: string;
            /**
             * Format: uint64
             * @description Files that are as they were.
             */
            unchanged: number;
        };
        /** @description Where a scan stands. */
        ScanView: {
            /**
             * Format: uint64
             * @description Bytes that were read.
             */
            bytes: number;
            /** @description Why it failed. */
            detail: string | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended: string | null;
            /**
             * Format: uint64
             * @description Paths that are not there any more, once it is done.
             */
            missing: number | null;
            /** @description The name of the source, once it is known. */
            name: string | null;
            /**
             * Format: uint64
             * @description Assets that were not known before, once it is done.
             */
            new: number | null;
            /**
             * Format: uint64
             * @description Files whose content was read.
             */
            read: number;
            /** @description Everything that it did, once it is done: what `exhibit scan --json` prints. */
            report?: components["schemas"]["ScanReport"] | null;
            /** @description The folder, for people. */
            root: string;
            /**
             * Format: uint64
             * @description Files and folders that were found so far.
             */
            seen: number;
            /**
             * Format: date-time
             * @description When it began.
             */
            started: string;
            /** @description `running`, `done` or `failed`. */
            state: string;
        };
        /** @description One page of a list. */
        ScanViewPage: {
            /** @description What is on it. */
            items: components["schemas"]["ScanView"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description Where the stored revision of a session lies in the ledger. `docs/reference/formats.md` says how each hash is made. */
        SessionProof: {
            /** @description How it was admitted: `new`. */
            admission: string;
            /** @description What was recorded, byte by byte as it was hashed (RFC 8785): the document, and how it came. Absent once it was erased. */
            body?: unknown;
            /** @description SHA-256 of `body`. */
            bodyHash?: string | null;
            /** @description Documents about this session that were refused, by place; 1,000 at most. */
            conflicts: components["schemas"]["Conflict"][];
            /** @description SHA-256 of kind, version and body: what the leaf commits to. */
            contentHash: string;
            /** @description Whether all of this fits together. */
            holds: boolean;
            /** @description The leaf of the record, and the paths from it to the root of its batch and from there to the root of the ledger. */
            inclusion: components["schemas"]["InclusionProof"];
            /** @description Its kind. */
            kind: string;
            /**
             * Format: int64
             * @description Its place in the ledger.
             */
            ledgerSeq: number;
            /** @description What is not as it was written; empty when all is. */
            problems: components["schemas"]["LedgerProblem"][];
            /** @description The id of the record. */
            recordId: string;
            /**
             * Format: uint32
             * @description The version of its kind.
             */
            schemaVersion: number;
            /** @description Documents about this session that came too late to change anything, by place; 1,000 at most. */
            stale: components["schemas"]["Stale"][];
        };
        /** @description A session on the status page. */
        SessionStatus: {
            /** @description When it last did something; RFC 3339 or null. */
            lastActivityAt: string | null;
            /** @description Its model, where it is known. */
            modelId: string | null;
            /** @description The real id, which `kill` takes. */
            sessionId: string;
            /** @description A state of the ledger, or `idle`. */
            state: string;
        };
        /** @description What a session used and cost, and where each number comes from. */
        SessionUsage: {
            /**
             * Format: int64
             * @description Tokens that came out.
             */
            completionTokens?: number | null;
            /** @description When the cost was reckoned. */
            computedAt: string;
            /** @description `exact`, `estimated` or `unknown`. */
            costConfidence: string;
            /** @description The same of the cost. */
            costConfidenceLevel: string;
            /** @description The same of the cost. */
            costSource: string;
            /**
             * Format: double
             * @description USD with six decimals; absent when it is unknown.
             */
            costUsd?: number | null;
            /** @description The prices that the cost rests on. */
            pricingVersion?: string | null;
            /**
             * Format: int64
             * @description Tokens that went in.
             */
            promptTokens?: number | null;
            /** @description Who served it. */
            provider?: string | null;
            /** @description The same of the runtime. */
            runtimeConfidence: string;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            runtimeMs: number;
            /** @description The same of the runtime. */
            runtimeSource: string;
            /** @description The session. */
            sessionId: string;
            /** @description `high`, `medium`, `low` or `unknown`. */
            tokenConfidence: string;
            /** @description `provider_reported`, `derived` or `missing`. */
            tokenSource: string;
            /**
             * Format: int64
             * @description All tokens.
             */
            totalTokens?: number | null;
        };
        /** @description The configuration, without secrets. */
        Settings: {
            [key: string]: unknown;
        };
        /** @description What is silenced, and for how long. */
        Silence: {
            /** @description The instance; all of the rule when it is absent. */
            scopeKey?: string | null;
            /**
             * Format: int64
             * @description For how many seconds; 0 ends it.
             */
            seconds: number;
        };
        /** @description How many numbers come from where. */
        Sources: {
            /** @description Of costs. */
            cost: {
                [key: string]: number;
            };
            /** @description Of runtimes. */
            runtime: {
                [key: string]: number;
            };
            /** @description Of tokens. */
            token: {
                [key: string]: number;
            };
        };
        /** @description A folder that originals come from. */
        SourceView: {
            /**
             * Format: date-time
             * @description When it was added.
             */
            added: string;
            /** @description `sacred` or `reapable`. */
            class: string;
            /** @description Its name. */
            name: string;
            /** @description Whether it can be reached. */
            online: boolean;
            /** @description The folder, for people. */
            root: string;
            /**
             * Format: date-time
             * @description When its last scan ended.
             */
            scanned: string | null;
            /** @description Its id. */
            source: string;
        };
        /** @description One page of a list. */
        SourceViewPage: {
            /** @description What is on it. */
            items: components["schemas"]["SourceView"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @description A document that came too late. */
        Stale: {
            /** @description Its fingerprint. */
            fingerprint: string;
            /** @description The key that it came under. */
            key: string;
            /**
             * Format: int64
             * @description Its place in the ledger.
             */
            ledgerSeq: number;
            /**
             * Format: int64
             * @description The revision that stood by then.
             */
            revision: number;
        };
        /** @description How much there is. */
        Status: {
            /**
             * Format: int64
             * @description Originals that were ever seen.
             */
            assets: number;
            /** @description `sqlite` or `postgres`. */
            backend: string;
            /** @description Root of the ledger, hexadecimal; absent while it is empty. */
            ledger_root: string | null;
            /**
             * Format: int64
             * @description Records of the ledger.
             */
            records: number;
            /**
             * Format: int64
             * @description Runs that have not ended.
             */
            runs_open: number;
            /**
             * Format: int64
             * @description Places that they come from.
             */
            sources: number;
            /** @description The version of the program. */
            version: string;
        };
        /** @description One step that both runs have. */
        StepPair: {
            /** @description Mean time of a unit in microseconds, in the first and in the second run. */
            mean_us: (number | null)[];
            /** @description Half of the units took at most this long. */
            p50_us: (number | null)[];
            /** @description 95 of 100 units took at most this long. */
            p95_us: (number | null)[];
            /** @description Parameters that differ, with both values. */
            params: {
                [key: string]: unknown[];
            };
            /** @description Its name. */
            step: string;
        };
        /** @description One step of a run. */
        StepStatus: {
            /** @description Its extractor. */
            extractor: string;
            /** @description Name of the step. */
            step: string;
            /** @description Units by state. */
            units: {
                [key: string]: number;
            };
        };
        /** @description A step of a pipeline, with what can be set in it. */
        StepView: {
            /** @description SHA-256 of RFC 8785 {params, profile}. */
            config_hash: string;
            /** @description The extractor that does it. */
            extractor: string;
            /** @description Classes of originals it takes. */
            media: string[];
            /** @description Its name, unique in the pipeline. */
            name: string;
            /** @description All parameters, defaults filled in. */
            params: {
                [key: string]: unknown;
            };
            /** @description JSON Schema of its parameters. */
            params_schema: unknown;
            /** @description The strength of the run. */
            profile: components["schemas"]["ModelProfile"];
            /** @description Kinds (name, version) that it reads of the whole collection; empty for a step that works on each asset. */
            reads?: [
                string,
                number
            ][];
        };
        /** @description Everything that a filter shows, by month, newest first. */
        Timeline: {
            /** @description Its months. */
            buckets: components["schemas"]["TimelineBucket"][];
            /**
             * Format: uint64
             * @description Assets in all.
             */
            total: number;
            /** @description Another text when the order or a shape is another. */
            version: string;
        };
        /** @description A month. */
        TimelineBucket: {
            /** @description `2019-07` */
            bucket: string;
            /**
             * Format: uint64
             * @description Assets in it.
             */
            count: number;
            /** @description Width by height of each, upright, in hundredths. */
            ratios: number[];
        };
        /** @description What the grid shows of an asset. */
        TimelineItem: {
            /** @description The asset. */
            asset_id: string;
            /**
             * Format: date-time
             * @description When it was taken; else when its file was changed; else when it was first seen. Local times without an offset as if they were UTC.
             */
            at: string;
            /** @description What it is. */
            class: components["schemas"]["Class"];
            /** @description Mean colour of its thumbnail, as `#rrggbb`. */
            colour: string | null;
            /**
             * Format: int64
             * @description Duration in milliseconds.
             */
            duration_ms: number | null;
            /** @description Found from its first bytes. */
            media_type: string;
            /**
             * Format: uint16
             * @description Width by height, upright, in hundredths.
             */
            ratio: number;
            /** @description Whether there is a picture of it. */
            thumbnail: boolean;
        };
        /** @description An outside program that an extractor starts. */
        Tool: {
            /** @description The Debian package that has it. */
            install: string;
            /**
             * @description The originals it is needed for: media types, or their beginning up to the slash (`video/`). Empty = every original. The results of
             *     others do not depend on it, so neither their lineage nor their work key names it.
             */
            media_types: string[];
            /** @description Its name; looked up in `/usr/bin` and `/usr/local/bin`. */
            name: string;
            /** @description Without it no unit can be done. Otherwise only those fail that need it. */
            required: boolean;
        };
        /** @description Sums. */
        Totals: {
            /**
             * Format: double
             * @description USD with six decimals.
             */
            costUsd: number;
            /**
             * Format: int64
             * @description Sessions; with `basis=spend`, calls and sessions that tell no calls.
             */
            runs: number;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            runtimeMs: number;
            /**
             * Format: int64
             * @description Tokens.
             */
            tokens: number;
        };
        /** @description A unit of a run. */
        UnitLine: {
            /**
             * Format: int64
             * @description Artifacts that it made.
             */
            artifacts: number;
            /** @description The asset; none for a unit that works on a collection. */
            asset_id: string | null;
            /**
             * Format: int64
             * @description How often it was tried.
             */
            attempts: number;
            /** @description The same for people. */
            detail: string | null;
            /**
             * Format: uint32
             * @description Its place in the plan.
             */
            ordinal: number;
            /** @description Why it failed, is blocked or was skipped. */
            reason: string | null;
            /** @description Whether a failure may go away by itself. */
            retryable: boolean;
            /** @description Where it stands. */
            state: components["schemas"]["UnitState"];
            /** @description Name of its step. */
            step: string;
            /** @description Its id. */
            unit: string;
        };
        /** @description One page of a list. */
        UnitLinePage: {
            /** @description What is on it. */
            items: components["schemas"]["UnitLine"][];
            /** @description The `cursor` of the next page; absent on the last one. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many there are in all, where that is known.
             */
            total?: number | null;
        };
        /** @enum {string} */
        UnitState: "pending" | "leased" | "done" | "done-empty" | "reused" | "failed" | "blocked" | "skipped" | "cancelled";
        /** @description One unit about an asset. */
        UnitView: {
            /** @description Whether the results of the run count: it is a production run, or was promoted. */
            counts: boolean;
            /** @description The same for people. */
            detail: string | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended: string | null;
            /** @description Name of the pipeline. */
            pipeline: string;
            /** @description Why it failed, is blocked or was skipped. */
            reason: string | null;
            /** @description The run. */
            run: string;
            /** @description Where it stands. */
            state: components["schemas"]["UnitState"];
            /**
             * Format: uint32
             * @description Its ordinal in the run.
             */
            unit: number;
        };
        /** @description Usage. */
        Usage: {
            /** @description How much has a cost. */
            coverage: components["schemas"]["Coverage"];
            /** @description The groups, when they were asked for: periods the oldest first, names the most expensive first. */
            groups?: components["schemas"]["UsageGroup"][] | null;
            /** @description Where the numbers come from. */
            provenance: components["schemas"]["Sources"];
            /** @description Days with data, the oldest first. */
            series: components["schemas"]["UsageDay"][];
            /** @description The sums of everything. */
            totals: components["schemas"]["Totals"];
        };
        /** @description Sums of a day. */
        UsageDay: {
            /**
             * Format: double
             * @description USD with six decimals.
             */
            costUsd: number;
            /** @description The day in the zone. */
            date: string;
            /**
             * Format: int64
             * @description Sessions.
             */
            runs: number;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            runtimeMs: number;
            /**
             * Format: int64
             * @description Tokens.
             */
            tokens: number;
            /**
             * Format: int64
             * @description Those without a cost.
             */
            unpricedRuns: number;
        };
        /** @description Sums of a group. */
        UsageGroup: {
            /**
             * Format: double
             * @description USD with six decimals.
             */
            costUsd: number;
            /** @description Monday of the week, the month, or the name; absent where nobody told one. */
            key?: string | null;
            /**
             * Format: int64
             * @description Sessions.
             */
            runs: number;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            runtimeMs: number;
            /**
             * Format: int64
             * @description Tokens.
             */
            tokens: number;
            /**
             * Format: int64
             * @description Those without a cost.
             */
            unpricedRuns: number;
        };
        /** @description Which of the two. */
        Verdict: {
            /** @description The numbers behind it, in words. */
            because: string;
            /** @description The run; absent when they are the same. */
            run: string | null;
        };
        VerifyBody: {
            /**
             * @description Only these artifacts; without any, every record, lineage, batch and blob
             * @default []
             */
            artifacts?: string[];
            /**
             * @description Read the blobs, too
             * @default true
             */
            blobs?: boolean;
        };
        /** @description Blobs that nothing names any more. */
        Waiting: {
            /**
             * Format: uint64
             * @description Those that can go now.
             */
            ready: number;
            /**
             * Format: uint64
             * @description Their bytes.
             */
            ready_bytes: number;
            /**
             * Format: uint64
             * @description Those whose grace has not ended.
             */
            waiting: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    agentsKill: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description It has ended, now or before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentsKilled"];
                };
            };
        };
    };
    agentsModel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description It is set */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentsModelSet"];
                };
            };
        };
    };
    agentsSpawn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description It has begun */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentsBegun"];
                };
            };
        };
    };
    agentsLogs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description At most 120 lines, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentsLogs"];
                };
            };
        };
    };
    agentsStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is known of them now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentsStatus"];
                };
            };
        };
    };
    agentsAlertsActive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Critical, warning, resolved; the latest transition first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActiveRows"];
                };
            };
        };
    };
    agentsAlertRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rules */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRows"];
                };
            };
        };
    };
    agentsAlertRuleCreate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description The rule */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertRule"];
                };
            };
        };
    };
    agentsAlertRulePatch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description The rule */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertRule"];
                };
            };
        };
    };
    agentsPerformance: {
        parameters: {
            query?: {
                /** @description Of this agent */
                agent?: string;
                /** @description Begun then or later: a day, or a time to the precision that is written */
                from?: string;
                /** @description Sessions below which a row warns; 5 when it is not given */
                minSample?: string;
                /** @description With this model */
                model?: string;
                /** @description Of this category */
                task?: string;
                /** @description Begun then or earlier, all of what is written included */
                to?: string;
                /** @description Time zone of days; UTC when it is not given */
                tz?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A row for each model */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Models"];
                };
            };
        };
    };
    agentsUsage: {
        parameters: {
            query?: {
                /** @description Of this agent */
                agent?: string;
                /** @description `spend`: by the time of calls in place of the start of sessions */
                basis?: string;
                /** @description Begun then or later: a day, or a time to the precision that is written */
                from?: string;
                /** @description `day`, `week`, `month`, `agent`, `model`, `task` or `provider` */
                groupBy?: string;
                /** @description With this model */
                model?: string;
                /** @description Of this category */
                task?: string;
                /** @description Begun then or earlier, all of what is written included */
                to?: string;
                /** @description Time zone of days; UTC when it is not given */
                tz?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sums */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Usage"];
                };
            };
        };
    };
    agentsIngestSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description It is recorded, now or before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receipt"];
                };
            };
        };
    };
    agentsLedger: {
        parameters: {
            query?: {
                /** @description Of this agent */
                agent?: string;
                /** @description `next` of the page before, instead of `page` */
                cursor?: string;
                /** @description Begun then or later: a day, or a time to the precision that is written */
                from?: string;
                /** @description `usage`: with what each used */
                include?: string;
                /** @description `words`, or `substring` for a text that stands there as it is */
                match?: string;
                /** @description With this model */
                model?: string;
                /** @description The page, from 1 */
                page?: string;
                /** @description Sessions of a page: 1 to 100 */
                pageSize?: string;
                /** @description Words that begin words of id, title or task */
                q?: string;
                /** @description `newest`, `runtime` or `cost` */
                sort?: string;
                /** @description In this state */
                status?: string;
                /** @description Of this category */
                task?: string;
                /** @description Begun then or earlier, all of what is written included */
                to?: string;
                /** @description Time zone of days and of times without an offset; UTC when it is not given */
                tz?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of sessions, and how many there are */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ledger"];
                };
            };
        };
    };
    agentsLedgerSession: {
        parameters: {
            query?: {
                /** @description `eventsNext` of the answer before */
                eventsAfter?: string;
                /** @description `calls`, `costs`, `proof`, or several with commas between: with its calls, with what each cost when, with its place in the ledger */
                include?: string;
            };
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Detail"];
                };
            };
        };
    };
    healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It lives */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    login: {
        parameters: {
            query: {
                /** @description The code of the link. */
                code: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Logged in; on to the web UI */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The numbers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    agentsAlertChannels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The channels */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelRows"];
                };
            };
        };
    };
    agentsAlertChannelCreate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description The channel */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertChannel"];
                };
            };
        };
    };
    agentsAlertChannelDelete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                channel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    agentsAlertChannelPatch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                channel_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description The channel */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertChannel"];
                };
            };
        };
    };
    agentsAlertDeliveries: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
                /** @description `pending`, `delivered` or `dead` */
                state?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertDeliveryPage"];
                };
            };
        };
    };
    agentsAlertEvaluate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Evaluate"];
            };
        };
        responses: {
            /** @description What happened */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertEvaluation"];
                };
            };
        };
    };
    agentsAlertRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rule */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertRule"];
                };
            };
        };
    };
    agentsAlertRuleDelete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    agentsAlertAck: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Ack"];
            };
        };
        responses: {
            /** @description How its instances stand */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instances"];
                };
            };
        };
    };
    agentsAlertSilence: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Silence"];
            };
        };
        responses: {
            /** @description How its instances stand */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instances"];
                };
            };
        };
    };
    agentsAlertTransitions: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
                /** @description Of this rule */
                rule?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertTransitionPage"];
                };
            };
        };
    };
    agentsParity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What differs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Parity"];
                };
            };
        };
    };
    agentsCalls: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerCallPage"];
                };
            };
        };
    };
    agentsCollectLitellm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": unknown;
                "application/x-ndjson": unknown;
            };
        };
        responses: {
            /** @description What came of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collection"];
                };
            };
        };
    };
    agentsCollectors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collectors"];
                };
            };
        };
    };
    agentsControlAudit: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of orders */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentsOrderPage"];
                };
            };
        };
    };
    agentsEvents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream that ends when either side wants it to */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
        };
    };
    agentsImport: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImportAsk"];
            };
        };
        responses: {
            /** @description What became of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportDetail"];
                };
            };
        };
    };
    agentsImportDrift: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportedFilePage"];
                };
            };
        };
    };
    agentsImportReports: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportReportPage"];
                };
            };
        };
    };
    agentsImportReport: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path: {
                report_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report, with a page of its rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportDetail"];
                };
            };
        };
    };
    agentsIngestBatch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-ndjson": string;
            };
        };
        responses: {
            /** @description What became of each */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Batch"];
                };
            };
        };
    };
    agentsConflicts: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConflictPage"];
                };
            };
        };
    };
    agentsPrices: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PriceListPage"];
                };
            };
        };
    };
    agentsPricesLoad: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description It is in the ledger */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Loaded"];
                };
            };
        };
    };
    agentsPricesShow: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The list */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
    agentsRecompute: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Ask"];
            };
        };
        responses: {
            /** @description It goes on */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Begun"];
                };
            };
        };
    };
    agentsRecomputeJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How far it is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Progress"];
                };
            };
        };
    };
    explain_artifact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Why it is so */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
        };
    };
    get_blob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description The range that was asked for */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description It is as it was */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_lineage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description It is as it was */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    replay_artifact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description It is being done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    list_assets: {
        parameters: {
            query?: {
                /** @description Begin after this asset, by its id or any unambiguous beginning of it; not together with `cursor` */
                after?: string;
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Only what fulfils this filter; the filter language is described in docs/reference/filters.md */
                filter?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AssetLinePage"];
                };
            };
        };
    };
    show_asset: {
        parameters: {
            query?: {
                /** @description Facts of sandbox runs that do not count, too */
                sandboxes?: boolean;
            };
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The asset */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AssetView"];
                };
            };
        };
    };
    get_original: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description The range that was asked for */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description It is as it was */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_thumbnail: {
        parameters: {
            query?: {
                /** @description How long the longer edge should be at least, in pixels */
                edge?: number;
            };
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/*": unknown;
                };
            };
            /** @description The range that was asked for */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/*": unknown;
                };
            };
            /** @description It is as it was */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_audit: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditLinePage"];
                };
            };
        };
    };
    plan_cleaning: {
        parameters: {
            query?: {
                /** @description This sandbox run, whether or not its time has come */
                run?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The plan; nothing was changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CleanPlan"];
                };
            };
        };
    };
    clean: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CleanBody"];
            };
        };
        responses: {
            /** @description It is being done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    list_collections: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CollectionViewPage"];
                };
            };
        };
    };
    make_collection: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCollection"];
            };
        };
        responses: {
            /** @description It is made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CollectionView"];
                };
            };
        };
    };
    show_collection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name or an id */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The collection */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CollectionDetail"];
                };
            };
        };
    };
    delete_collection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name or an id */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CollectionView"];
                };
            };
        };
    };
    doctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was looked at */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Diagnosis"];
                };
            };
        };
    };
    watch_events: {
        parameters: {
            query?: {
                /** @description Only this run and what it finds */
                run?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream that ends when either side wants it to */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
        };
    };
    make_export: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExportBody"];
            };
        };
        responses: {
            /** @description It is being made */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    get_export: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description The range that was asked for */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description It is as it was */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_extractors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Extractors"];
                };
            };
        };
    };
    check_filter: {
        parameters: {
            query: {
                /** @description The filter */
                text: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is understood */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterAnswer"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that are remembered, without what came of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPage"];
                };
            };
        };
    };
    show_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Where it stands */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    get_checkpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A C2SP signed note and the key to check it with */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckpointView"];
                };
            };
        };
    };
    check_checkpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckBody"];
            };
        };
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Extension"];
                };
            };
        };
    };
    otlpLogs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": unknown;
                "application/x-protobuf": unknown;
            };
        };
        responses: {
            /** @description It is recorded; what was left out is told as a partial success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "application/x-protobuf": unknown;
                };
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    otlpMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": unknown;
                "application/x-protobuf": unknown;
            };
        };
        responses: {
            /** @description It is recorded; what was left out is told as a partial success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "application/x-protobuf": unknown;
                };
            };
        };
    };
    list_pipelines: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineViewPage"];
                };
            };
        };
    };
    show_pipeline: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name or an id */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pipeline */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineView"];
                };
            };
        };
    };
    list_runs: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStatusPage"];
                };
            };
        };
    };
    start_run: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRun"];
            };
        };
        responses: {
            /** @description It waits or runs */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStatus"];
                };
            };
        };
    };
    show_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Where the run stands now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStatus"];
                };
            };
        };
    };
    list_artifacts: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Only artifacts of this kind */
                kind?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactViewPage"];
                };
            };
        };
    };
    cancel_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Where the run stands now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStatus"];
                };
            };
        };
    };
    compare_runs: {
        parameters: {
            query?: {
                /** @description Differing facts that are named, at most */
                examples?: number;
            };
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
                /** @description An id, or any beginning of it that names only one */
                other: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Both, side by side */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                };
            };
        };
    };
    pause_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Where the run stands now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStatus"];
                };
            };
        };
    };
    promote_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Where the run stands now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Promoted"];
                };
            };
        };
    };
    resume_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Where the run stands now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStatus"];
                };
            };
        };
    };
    retry_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RetryBody"];
            };
        };
        responses: {
            /** @description Where the run stands now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunStatus"];
                };
            };
        };
    };
    list_units: {
        parameters: {
            query: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
                /** @description Only units with this reason */
                reason?: string;
                /** @description Only units in this state */
                state: components["schemas"]["UnitState"];
                /** @description Only units of this step */
                step?: string;
            };
            header?: never;
            path: {
                /** @description An id, or any beginning of it that names only one */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnitLinePage"];
                };
            };
        };
    };
    list_scans: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that are remembered */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScanViewPage"];
                };
            };
        };
    };
    open_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            /** @description Logged in */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    close_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Logged out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The configuration */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
        };
    };
    list_sources: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SourceViewPage"];
                };
            };
        };
    };
    add_source: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSource"];
            };
        };
        responses: {
            /** @description It is being scanned */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScanView"];
                };
            };
        };
    };
    move_source: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name or an id */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MoveBody"];
            };
        };
        responses: {
            /** @description It lies there now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Relocated"];
                };
            };
        };
    };
    list_outcomes: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string;
                /** @description Items of a page */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description A name or an id */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutcomeViewPage"];
                };
            };
        };
    };
    scan_source: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A name or an id */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ScanBody"];
            };
        };
        responses: {
            /** @description It is being scanned */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScanView"];
                };
            };
        };
    };
    status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The numbers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
    get_timeline: {
        parameters: {
            query?: {
                /** @description Only what fulfils this filter; present assets, unless it says `is:` */
                filter?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The months */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Timeline"];
                };
            };
        };
    };
    get_bucket: {
        parameters: {
            query?: {
                /** @description The filter of the timeline */
                filter?: string;
                /** @description The first item, counted from 0 */
                from?: number;
                /** @description How many items */
                limit?: number;
                /** @description The version of the timeline that the caller has; the answer names the one that it is from */
                version?: string;
            };
            header?: never;
            path: {
                /** @description A month, such as 2019-07 */
                bucket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The assets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BucketItems"];
                };
            };
        };
    };
    get_neighbours: {
        parameters: {
            query: {
                /** @description The asset between them */
                asset: string;
                /** @description The filter of the timeline */
                filter?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its place */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Neighbours"];
                };
            };
        };
    };
    otlpTraces: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": unknown;
                "application/x-protobuf": unknown;
            };
        };
        responses: {
            /** @description It is recorded; what was left out is told as a partial success */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "application/x-protobuf": unknown;
                };
            };
        };
    };
    verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VerifyBody"];
            };
        };
        responses: {
            /** @description It is being done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
}
