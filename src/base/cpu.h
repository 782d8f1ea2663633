/* What this processor can do beyond the baseline the library is compiled for. */
#ifndef RT_BASE_CPU_H
#define RT_BASE_CPU_H

/* Each level holds those before it. */
typedef enum rt_cpu_level {
    RT_CPU_PLAIN,
    RT_CPU_AVX2,  /* AVX2 and FMA               */
    RT_CPU_AVX512 /* AVX-512 F, BW, DQ and VL   */
} rt_cpu_level;

/* The system's support for the wider registers is part of the answer. */
rt_cpu_level rt__cpu_level(void);

#endif
