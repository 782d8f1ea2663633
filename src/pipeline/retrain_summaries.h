/* A run's logs for TensorBoard: retrain.py's tags in train/ and validation/, and the final test in test/.
 *
 * Files that are already there stay, but for those of an earlier run of retrain, which are told by their
 * names' ending: those are replaced, unless this run goes on with another. Source: variable_summaries(),
 * add_final_retrain_ops(), add_evaluation_step() in hub's retrain.py. */
#ifndef RT_PIPELINE_RETRAIN_SUMMARIES_H
#define RT_PIPELINE_RETRAIN_SUMMARIES_H

#include "retrain_job.h"

/* Each does nothing when no summaries are wanted. */

/* Begins the files of train and validation; the graph goes into the first. */
rt_code rt__summaries_open(rt_retrain_job *job, rt_error *err);
/* Before a step: what its batch and the weights come to, each summary_interval steps and at the last. */
rt_code rt__summaries_train(rt_retrain_job *job, const rt_train_step *step, rt_error *err);
/* The same on the batch that validation was measured on. */
rt_code rt__summaries_validation(rt_retrain_job *job, const rt_train_step *step, const rt_score *score,
                                 rt_error *err);
/* Whether train and validation are complete on disk is told here; frees. */
rt_code rt__summaries_close(rt_retrain_job *job, rt_error *err);
/* The final test: scores, confusion matrix and each class, in a file of its own. */
rt_code rt__summaries_test(const rt_retrain_job *job, rt_error *err);

#endif
