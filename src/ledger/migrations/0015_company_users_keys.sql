CREATE TABLE "usage_company_monthly" (
	"month_ms" bigint NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"provider" text NOT NULL,
	"service_tier" text NOT NULL,
	"operation" text NOT NULL,
	"urgency" text NOT NULL,
	"model_requested" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_company_monthly_key" PRIMARY KEY("month_ms","tier","model","provider","service_tier","operation","urgency","model_requested","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_keys_daily" (
	"day_ms" bigint NOT NULL,
	"key_id" text NOT NULL,
	"operation" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_keys_daily_key" PRIMARY KEY("day_ms","key_id","operation","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_keys_monthly" (
	"month_ms" bigint NOT NULL,
	"key_id" text NOT NULL,
	"operation" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_keys_monthly_key" PRIMARY KEY("month_ms","key_id","operation","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_users_daily" (
	"day_ms" bigint NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"tier" text NOT NULL,
	"operation" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_users_daily_key" PRIMARY KEY("day_ms","tenant","user_id","tier","operation","kind")
);
--> statement-breakpoint
CREATE INDEX "usage_users_monthly_user" ON "usage_users_monthly" USING btree ("user_id","month_ms");
--> statement-breakpoint
-- By hand from here.
ALTER TABLE "usage_company_monthly" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_users_daily" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_keys_daily" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_keys_monthly" SET (fillfactor = 85);
--> statement-breakpoint
-- What the finer sums say already: of months that retention dropped they are all there is. In the order of the key, so that
-- a day's rows lie together.
INSERT INTO usage_company_monthly (month_ms, tier, model, provider, service_tier, operation, urgency, model_requested, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select (extract(epoch from date_trunc('month', to_timestamp(at_ms / 1000) at time zone 'UTC')) * 1000)::bigint as month_ms, tier as tier, model as model, provider as provider, service_tier as service_tier, operation as operation, urgency as urgency, model_requested as model_requested, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_company_daily finer) fact group by 1, 2, 3, 4, 5, 6, 7, 8, 9 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0
order by 1, 2, 3, 4, 5, 6, 7, 8, 9;
--> statement-breakpoint
INSERT INTO usage_users_daily (day_ms, tenant, user_id, tier, operation, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 86400000) as day_ms, tenant as tenant, user_id as user_id, tier as tier, operation as operation, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_daily finer) fact group by 1, 2, 3, 4, 5, 6 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0
order by 1, 2, 3, 4, 5, 6;
--> statement-breakpoint
INSERT INTO usage_keys_daily (day_ms, key_id, operation, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 86400000) as day_ms, key_id as key_id, operation as operation, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_daily finer) fact group by 1, 2, 3, 4 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0
order by 1, 2, 3, 4;
--> statement-breakpoint
INSERT INTO usage_keys_monthly (month_ms, key_id, operation, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select (extract(epoch from date_trunc('month', to_timestamp(at_ms / 1000) at time zone 'UTC')) * 1000)::bigint as month_ms, key_id as key_id, operation as operation, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_keys_daily finer) fact group by 1, 2, 3, 4 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0
order by 1, 2, 3, 4;
