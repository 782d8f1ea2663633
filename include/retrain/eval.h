/* retrain/eval.h - how well a classifier does on photos whose classes are known. */
#ifndef RETRAIN_EVAL_H
#define RETRAIN_EVAL_H

#include "retrain/dataset.h"
#include "retrain/head.h"
#include "retrain/label.h"
#include "retrain/log.h"

/* Which photos of a folder: all, or those of one set of the run that the classifier came from. */
typedef enum rt_eval_set { RT_EVAL_ALL, RT_EVAL_TRAINING, RT_EVAL_VALIDATION, RT_EVAL_TEST } rt_eval_set;

typedef struct rt_eval_options {
    rt_label_options classifier;
    const char *image_dir;    /* a folder of class folders, as the trainer takes it */
    rt_eval_set set;          /* of the photos as split deals them */
    rt_dataset_options split; /* the run's; a folder has the same sets whenever it holds the same names */
    rt_progress progress;
} rt_eval_options;

void rt_eval_defaults(rt_eval_options *options);

typedef struct rt_eval_photo {
    char *path;
    size_t class, taken_for; /* into labels */
    float score;             /* of taken_for */
    char *reason;            /* why it was left out, one line naming the photo; NULL: it counts */
} rt_eval_photo;

typedef struct rt_eval_result {
    rt_labeller *classifier;
    size_t n_labels;
    const char *const *labels; /* the classifier's; live as long as the result */
    const char *notice;        /* how the graph is used, and what of that is a guess */
    size_t n_photos;
    rt_eval_photo *photos; /* [n_photos]: the set's, in the order of class folders and names */
    size_t n_counted, n_right;
    rt_class_score *classes; /* [n_labels] */
    uint32_t *confusion;     /* [n_labels, n_labels]: photos of the row's class taken for the column's */
} rt_eval_result;

/* Labels every photo of image_dir, or of one set of it.  A class folder goes with the label of the trainer's
 * making from its name; labels are compared as the trainer spells them, so a classifier may write them
 * otherwise.  Labels without a folder have no photos.  A photo that cannot be read is left out. result
 * written on success only; give back with rt_eval_clear() RT_ENOTFOUND  no such folder or graph; class
 * folders that the classifier has no label for: all are named RT_EFORMAT    two labels that are spelled
 * alike, no photo in the set, or none that could be read and the errors of rt_dataset_open() and
 * rt_labeller_open() */
rt_code rt_eval(const rt_eval_options *options, rt_eval_result *result, rt_error *err);
void rt_eval_clear(rt_eval_result *result); /* {0} is allowed */

#endif
